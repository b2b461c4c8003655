"""What may become of an approval, and when it allows what was asked for."""

from datetime import datetime, timedelta

from artstore_kit.contracts.approvals import Approval, ApprovalState, ApprovalUse
from artstore_kit.contracts.errors import ApprovalClosed, ApprovalInvalid, NotYourRequest, OwnRequest, PersonRequired
from artstore_kit.principal import Principal

REPEATED_WITHIN = timedelta(minutes=10)
"""So long the same deed on the same may be asked for again, because its answer was lost."""


def require_person(who: Principal) -> None:
    """Raise `PersonRequired` unless `who` is somebody who has logged in, and speaks for themselves."""
    if not who.is_person or who.acting_for:
        raise PersonRequired


def as_of(approval: Approval, now: datetime) -> Approval:
    """The approval as it is at this moment."""
    is_open = approval.state in {ApprovalState.PENDING, ApprovalState.APPROVED}
    if is_open and approval.expires_at <= now:
        return approval.model_copy(update={"state": ApprovalState.EXPIRED})
    return approval


def require_may_decide(approval: Approval, who: Principal) -> None:
    """Raise unless it waits for a decision, and that of another than whoever asked."""
    if approval.requested_by == who.subject:
        raise OwnRequest
    _require_state(approval, ApprovalState.PENDING)


def require_may_withdraw(approval: Approval, who: Principal) -> None:
    """Raise unless `who` asked for it and nothing has come of it yet."""
    if approval.requested_by != who.subject:
        raise NotYourRequest
    _require_state(approval, ApprovalState.PENDING, ApprovalState.APPROVED)


def require_allows(approval: Approval, use: ApprovalUse, now: datetime) -> None:
    """Raise `ApprovalInvalid` unless it is given for this deed of this person, and used up by no other one."""
    if approval.requested_by != use.by:
        raise ApprovalInvalid("Somebody else asked for this approval.")
    if (approval.operation, approval.resource) != (use.operation, use.resource):
        raise ApprovalInvalid(f"The approval is for {approval.operation.value} of {approval.resource}.")
    if approval.state is not ApprovalState.APPROVED:
        raise ApprovalInvalid(f"The approval is {approval.state.value}.", state=approval.state.value)
    if approval.used_at is not None and not _is_repeated(approval, approval.used_at, use, now):
        raise ApprovalInvalid("The approval was used before.", state="used")


def _is_repeated(approval: Approval, used_at: datetime, use: ApprovalUse, now: datetime) -> bool:
    return approval.used_on == use.seen and now < used_at + REPEATED_WITHIN


def _require_state(approval: Approval, *wanted: ApprovalState) -> None:
    if approval.state not in wanted:
        raise ApprovalClosed(f"It is {approval.state.value}.", state=approval.state.value)
    if approval.used_at is not None:
        raise ApprovalClosed("It was used.", state="used")
