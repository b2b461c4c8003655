"""The stand-in's holds and approvals; whoever asks is `admin`, and whoever decides `second`."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiohttp import web

from artstore_kit.contracts import errors
from artstore_kit.contracts.approvals import (
    APPROVAL_HEADER,
    Approval,
    ApprovalState,
    GuardedOperation,
    NewApproval,
    hold_resource,
)
from artstore_kit.contracts.files import Hold
from artstore_kit.contracts.idempotency import IDEMPOTENCY_KEY_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.paging import Page
from client.tests.stand_in_places import FLEET, file_of, json_of

PAGE = 2
HOLD = "/api/v1/files/{file_id}/holds/{hold_id}"
APPROVALS = "/api/v1/approvals"


def add_to(app: web.Application) -> None:
    """Its routes."""
    app.router.add_put(HOLD, _place)
    app.router.add_delete(HOLD, _release)
    app.router.add_post(APPROVALS, _ask)
    app.router.add_get(APPROVALS, _list)
    app.router.add_get(f"{APPROVALS}/{{approval_id}}", _show)
    app.router.add_post(f"{APPROVALS}/{{approval_id}}/{{verb}}", _decide)


def require_approval(request: web.Request, operation: GuardedOperation, resource: str) -> None:
    """As the storage element does."""
    if APPROVAL_HEADER not in request.headers:
        raise errors.ApprovalRequired(operation=operation.value, resource=resource)
    approval = _found(request, request.headers[APPROVAL_HEADER])
    wanted = (operation, resource, ApprovalState.APPROVED)
    if (approval.operation, approval.resource, approval.state) != wanted:
        raise errors.ApprovalInvalid(state=approval.state.value)
    _keep(request, approval, used_at=datetime.now(UTC))


async def _place(request: web.Request) -> web.Response:
    file, hold_id = file_of(request), request.match_info["hold_id"]
    if hold_id not in [hold.id for hold in file.holds]:
        hold = Hold(id=hold_id, reason=(await request.json())["reason"])
        changes = {"holds": [*file.holds, hold], "revision": file.revision + 1}
        file = request.app[FLEET].files[file.file_id] = file.model_copy(update=changes)
    return json_of(file.to_json().decode())


async def _release(request: web.Request) -> web.Response:
    file, hold_id = file_of(request), request.match_info["hold_id"]
    left = [hold for hold in file.holds if hold.id != hold_id]
    if left != file.holds:
        require_approval(request, GuardedOperation.HOLD_RELEASE, hold_resource(file.file_id, hold_id))
        request.app[FLEET].files[file.file_id] = file.model_copy(update={"holds": left})
    return web.Response(status=204)


async def _ask(request: web.Request) -> web.Response:
    new, now = NewApproval.model_validate(await request.json()), datetime.now(UTC)
    times = {"requested_at": now, "expires_at": now + timedelta(days=1)}
    told = {**new.model_dump(), **times, "approval_id": new_file_id(), "state": "pending", "requested_by": "admin"}
    asked, key = request.app[FLEET].asked, request.headers.get(IDEMPOTENCY_KEY_HEADER, uuid4().hex)
    if key not in asked:
        asked[key] = _keep(request, Approval.model_validate(told))
    return _answer(asked[key], 201)


async def _list(request: web.Request) -> web.Response:
    state, start = request.query.get("state"), int(request.query.get("cursor", "0"))
    newest = reversed(request.app[FLEET].approvals.values())
    found = [each for each in newest if state in {None, each.state.value}]
    size = min(PAGE, int(request.query["limit"]))
    following = str(start + size) if len(found) > start + size else None
    return json_of(Page[Approval](items=found[start : start + size], next_cursor=following).model_dump_json())


async def _show(request: web.Request) -> web.Response:
    return _answer(_found(request, request.match_info["approval_id"]))


async def _decide(request: web.Request) -> web.Response:
    approval, verb = _found(request, request.match_info["approval_id"]), request.match_info["verb"]
    if approval.state is not ApprovalState.PENDING:
        raise errors.ApprovalClosed(state=approval.state.value)
    if verb == "withdraw":
        return _answer(_keep(request, approval, state=ApprovalState.WITHDRAWN))
    state = {"approve": ApprovalState.APPROVED, "reject": ApprovalState.REJECTED}[verb]
    comment = (await request.json())["comment"]
    return _answer(_keep(request, approval, state=state, decided_by="second", comment=comment))


def _found(request: web.Request, approval_id: str) -> Approval:
    approval = request.app[FLEET].approvals.get(UUID(approval_id))
    if approval is None:
        raise errors.ApprovalUnknown
    return approval


def _keep(request: web.Request, approval: Approval, **changes: object) -> Approval:
    approval = approval.model_copy(update=changes)
    request.app[FLEET].approvals[approval.approval_id] = approval
    return approval


def _answer(approval: Approval, status: int = 200) -> web.Response:
    return json_of(approval.model_dump_json(), status)
