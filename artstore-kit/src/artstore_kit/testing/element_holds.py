"""Legal holds at the storage element's stand-in, and what they keep from being done."""

from aiohttp import web
from pydantic import BaseModel, ValidationError

from artstore_kit.contracts import errors
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.files import FileAttributes, Hold, HoldPlacement
from artstore_kit.contracts.modes import Operation, require
from artstore_kit.testing.element_content import ELEMENT, stored_of
from artstore_kit.testing.element_state import ElementState, Stored


async def place_hold(request: web.Request) -> web.Response:
    """`PUT /api/v1/files/{file_id}/holds/{hold_id}`."""
    element, stored, hold_id = request.app[ELEMENT], stored_of(request), request.match_info["hold_id"]
    require(element.mode, Operation.CHANGE_ATTRIBUTES)
    holds = stored.attributes.holds
    if any(hold.id == hold_id for hold in holds):
        return as_json(stored.attributes)
    check_revision(request, stored)
    try:
        placement = HoldPlacement.model_validate_json(await request.read())
    except ValidationError as error:
        raise errors.InvalidFields(str(error)) from None
    return as_json(await _with_holds(element, stored, [*holds, Hold(id=hold_id, reason=placement.reason)]))


async def release_hold(request: web.Request) -> web.Response:
    """`DELETE /api/v1/files/{file_id}/holds/{hold_id}`."""
    element, stored, hold_id = request.app[ELEMENT], stored_of(request), request.match_info["hold_id"]
    require(element.mode, Operation.CHANGE_ATTRIBUTES)
    left = [hold for hold in stored.attributes.holds if hold.id != hold_id]
    if left != stored.attributes.holds:
        if APPROVAL_HEADER not in request.headers:
            raise errors.ApprovalRequired
        check_revision(request, stored)
        await _with_holds(element, stored, left)
    return web.Response(status=204)


async def _with_holds(element: ElementState, stored: Stored, holds: list[Hold]) -> FileAttributes:
    changes = {"holds": holds, "revision": stored.attributes.revision + 1}
    return await element.store(stored.attributes.model_copy(update=changes), stored.content)


def check_revision(request: web.Request, stored: Stored) -> None:
    """As `If-Match` asks."""
    wanted = request.headers.get("If-Match", "*")
    if wanted not in {"*", f'"r{stored.attributes.revision}"'}:
        raise errors.RevisionMismatch


def must_be_free(stored: Stored) -> None:
    """Of holds."""
    if stored.attributes.holds:
        raise errors.FileHeld


def as_json(document: BaseModel, status: int = 200) -> web.Response:
    """An answer; attributes have their revision as ETag."""
    body = document.to_json() if isinstance(document, FileAttributes) else document.model_dump_json(by_alias=True)
    headers = {"ETag": f'"r{document.revision}"'} if isinstance(document, FileAttributes) else {}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
