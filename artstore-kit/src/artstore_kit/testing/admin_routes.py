"""The HTTP side of the admin module's stand-in, and what it remembers."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from artstore_kit.contracts.approvals import Approval, ApprovalState, ApprovalUse
from artstore_kit.contracts.audit import AuditBatch, AuditEntry, AuditReceipt
from artstore_kit.contracts.elements import ElementList, ElementRegistration, ElementReport, ElementView
from artstore_kit.contracts.errors import (
    ApprovalInvalid,
    ApprovalUnknown,
    ArtStoreError,
    DependencyUnavailable,
    ElementUnknown,
    InvalidFields,
    NotAuthenticated,
)
from artstore_kit.contracts.identity import TokenAnswer
from artstore_kit.contracts.ids import new_uuid7
from artstore_kit.testing.tokens import TokenMint

CLIENT_SECRET = "stand-in secret"  # noqa: S105 (of a stand-in)

type Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class AdminState:
    """What tests read, and what they set: `failing`, `token_lifetime_s` and `audit_failing`.

    `audit` has each entry that was delivered, `audit_known_before` how many were delivered again. An entry whose
    action is in `audit_refused` is not taken.
    """

    mint: TokenMint
    failing: bool = False
    token_lifetime_s: int = 900
    elements: dict[str, ElementView] = field(default_factory=dict)
    reports: list[tuple[str, ElementReport]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    tokens_given: int = 0
    approvals: dict[UUID, Approval] = field(default_factory=dict)
    uses: list[ApprovalUse] = field(default_factory=list)
    audit: dict[UUID, AuditEntry] = field(default_factory=dict)
    audit_known_before: int = 0
    audit_failing: bool = False
    audit_refused: set[str] = field(default_factory=set)

    def approve(self, use: ApprovalUse) -> UUID:
        """The id of an approval that is given for this deed alone, and once used, for what was there then alone."""
        now = datetime.now(UTC)
        approval = Approval(
            approval_id=new_uuid7(),
            operation=use.operation,
            resource=use.resource,
            reason="a test",
            state=ApprovalState.APPROVED,
            requested_by=use.by,
            requested_at=now,
            expires_at=now + timedelta(days=1),
            decided_by="somebody else",
        )
        self.approvals[approval.approval_id] = approval
        return approval.approval_id


class AdminRoutes:
    """The routes of the admin module that other services call."""

    def __init__(self, state: AdminState) -> None:
        self._state = state

    def application(self) -> Starlette:
        """All routes, answering errors as the admin module does."""
        return Starlette(
            routes=[
                self._route("GET", "/.well-known/jwks.json", self._jwks),
                self._route("POST", "/api/v1/auth/token", self._token),
                self._route("GET", "/api/v1/revocations", self._revocations, guarded=True),
                self._route("POST", "/api/v1/approvals/{approval_id}/use", self._use_approval, guarded=True),
                self._route("GET", "/api/v1/elements", self._list, guarded=True),
                self._route("GET", "/api/v1/elements/{element_id}", self._show, guarded=True),
                self._route("PUT", "/api/v1/elements/{element_id}", self._register, guarded=True),
                self._route("POST", "/api/v1/elements/{element_id}/reports", self._report, guarded=True),
                self._route("POST", "/api/v1/audit/entries", self._append_audit, guarded=True),
            ]
        )

    def _route(self, method: str, path: str, handler: Handler, *, guarded: bool = False) -> Route:
        async def answer(request: Request) -> Response:
            self._state.requests.append(request)
            try:
                if self._state.failing:
                    raise DependencyUnavailable
                if guarded and not request.headers.get("authorization", "").startswith("Bearer "):
                    raise NotAuthenticated
                return await handler(request)
            except ArtStoreError as error:
                problem = error.problem(request.headers.get("x-request-id", ""))
                return Response(problem.model_dump_json(), error.status, media_type="application/problem+json")

        return Route(path, answer, methods=[method])

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse(self._state.mint.jwks())

    async def _token(self, request: Request) -> Response:
        client_id, secret = _credentials(request)
        if secret != CLIENT_SECRET:
            return JSONResponse({"error": "invalid_client"}, 401)
        self._state.tokens_given += 1
        lifetime_s = self._state.token_lifetime_s
        token = self._state.mint.mint(client_id, expires_in_s=lifetime_s)
        return _json(TokenAnswer(access_token=token, expires_in=lifetime_s, scope=""))

    async def _revocations(self, _: Request) -> Response:
        return _json(await self._state.mint.revocations(None))

    async def _use_approval(self, request: Request) -> Response:
        use = ApprovalUse.model_validate_json(await request.body())
        approval = self._state.approvals.get(UUID(request.path_params["approval_id"]))
        if approval is None:
            raise ApprovalUnknown
        if (approval.operation, approval.resource, approval.requested_by) != (use.operation, use.resource, use.by):
            raise ApprovalInvalid
        if approval.used_on not in {None, use.seen}:
            raise ApprovalInvalid(state="used")
        self._state.uses.append(use)
        self._state.approvals[approval.approval_id] = approval.model_copy(update={"used_on": use.seen})
        return _json(approval)

    async def _register(self, request: Request) -> Response:
        element_id = request.path_params["element_id"]
        registration = ElementRegistration.model_validate_json(await request.body())
        self._state.elements[element_id] = ElementView(
            element_id=element_id,
            registered_at=datetime.now(UTC),
            reported_at=None,
            report=None,
            **registration.model_dump(),
        )
        return _json(self._state.elements[element_id])

    async def _report(self, request: Request) -> Response:
        element = self._known(request)
        report = ElementReport.model_validate_json(await request.body())
        self._state.reports.append((element.element_id, report))
        self._state.elements[element.element_id] = element.model_copy(
            update={"reported_at": datetime.now(UTC), "report": report, "mode": report.mode, "epoch": report.epoch}
        )
        return Response(status_code=204)

    async def _list(self, _: Request) -> Response:
        return _json(ElementList(items=list(self._state.elements.values())))

    async def _show(self, request: Request) -> Response:
        return _json(self._known(request))

    async def _append_audit(self, request: Request) -> Response:
        if self._state.audit_failing:
            raise DependencyUnavailable
        try:
            entries = AuditBatch.model_validate_json(await request.body()).entries
        except ValidationError as error:
            raise InvalidFields from error
        if self._state.audit_refused.intersection(entry.action for entry in entries):
            raise InvalidFields
        fresh = {entry.entry_id: entry for entry in entries if entry.entry_id not in self._state.audit}
        self._state.audit |= fresh
        self._state.audit_known_before += len(entries) - len(fresh)
        return _json(AuditReceipt(appended=len(fresh), known_before=len(entries) - len(fresh)))

    def _known(self, request: Request) -> ElementView:
        element = self._state.elements.get(request.path_params["element_id"])
        if element is None:
            raise ElementUnknown
        return element


def _credentials(request: Request) -> tuple[str, str]:
    """From HTTP Basic, as the kit's `ServiceToken` sends them."""
    _, _, encoded = request.headers.get("authorization", "").partition(" ")
    client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    return client_id, secret


def _json(document: BaseModel) -> Response:
    return Response(document.model_dump_json(), media_type="application/json")
