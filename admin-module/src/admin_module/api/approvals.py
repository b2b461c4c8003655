"""`/approvals`: four eyes for what cannot be undone."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import BeforeValidator

from admin_module.api.cursors import cursor_after, id_in
from admin_module.api.repeatable import Asked
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.approvals import Approval, ApprovalDecision, ApprovalState, ApprovalUse, NewApproval
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from artstore_kit.principal import Principal

router = APIRouter(prefix="/approvals", tags=["approvals"])
Given = Annotated[Services, Depends(services_of(Services))]
Asking = Annotated[Principal, needs(Scope.APPROVALS_WRITE)]
Deciding = Annotated[Principal, needs(Scope.APPROVALS_DECIDE)]
Using = Annotated[Principal, needs(Scope.APPROVALS_USE)]
Decision = Annotated[ApprovalDecision, Body(default_factory=ApprovalDecision)]
ApprovalId = Annotated[UUID, BeforeValidator(parse_file_id)]


@router.post("", status_code=201)
async def request(new: NewApproval, who: Asking, asked: Asked, services: Given, response: Response) -> Approval:
    """Ask for an approval, as a person who holds the right to the operation; it waits for another administrator."""
    approval = await services.approvals.request(new, by=who, asked=asked)
    response.headers["Location"] = f"/api/v1/approvals/{approval.approval_id}"
    return approval


@router.get("", dependencies=[needs(Scope.APPROVALS_READ)])
async def page(
    services: Given,
    state: ApprovalState | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str = "",
) -> Page[Approval]:
    """Approvals, newest first."""
    items = await services.approvals.page(id_in(cursor), state, limit)
    return Page(items=items, next_cursor=cursor_after([str(each.approval_id) for each in items], limit))


@router.get("/{approval_id}", dependencies=[needs(Scope.APPROVALS_READ)])
async def one(approval_id: ApprovalId, services: Given) -> Approval:
    """One approval as it is now."""
    return await services.approvals.one(approval_id)


@router.post("/{approval_id}/approve")
async def approve(approval_id: ApprovalId, decision: Decision, who: Deciding, services: Given) -> Approval:
    """Approve what another administrator asks for; you must hold the right to the operation yourself."""
    return await services.approvals.decide(approval_id, ApprovalState.APPROVED, decision.comment, by=who)


@router.post("/{approval_id}/reject")
async def reject(approval_id: ApprovalId, decision: Decision, who: Deciding, services: Given) -> Approval:
    """Reject it."""
    return await services.approvals.decide(approval_id, ApprovalState.REJECTED, decision.comment, by=who)


@router.post("/{approval_id}/withdraw")
async def withdraw(approval_id: ApprovalId, who: Asking, services: Given) -> Approval:
    """Take back what you asked for, as long as it was not used."""
    return await services.approvals.withdraw(approval_id, by=who)


@router.post("/{approval_id}/use")
async def use(approval_id: ApprovalId, deed: ApprovalUse, who: Using, services: Given) -> Approval:
    """For the service that carries it out, right before it does: 403 `approval_invalid` unless it may be done now."""
    return await services.approvals.use(approval_id, deed, by=who)
