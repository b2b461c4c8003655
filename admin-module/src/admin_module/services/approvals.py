"""Approvals: asked for by one administrator, given by another, used once for one deed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.administrators import find_administrator
from admin_module.adapters.approvals import (
    approval_to_change,
    approvals_before,
    find_approval,
    insert_approval,
    update_approval,
)
from admin_module.domain.approvals import (
    as_of,
    require_allows,
    require_may_decide,
    require_may_withdraw,
    require_person,
)
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.repeats import Repeatable
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.rights import effective_rights
from artstore_kit.contracts.approvals import SCOPE_OF, Approval, ApprovalState, ApprovalUse, NewApproval
from artstore_kit.contracts.errors import (
    ApprovalInvalid,
    ApprovalRequired,
    ApprovalUnknown,
    PersonRequired,
    ScopeMissing,
)
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.ids import new_uuid7
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Approvals:
    """Every step is an entry of the audit log, in the transaction that takes it."""

    database: Database
    audit: AuditLog
    repeats: Repeats
    lifetime: timedelta
    clock: Clock

    async def request(self, new: NewApproval, by: Principal, asked: Repeatable | None = None) -> Approval:
        """Ask for one; whoever does holds the right to the operation."""
        require_person(by)
        by.require(SCOPE_OF[new.operation])
        return await self.repeats.once(asked, by, Approval, partial(self._request, new, by))

    async def _request(self, new: NewApproval, by: Principal, connection: AsyncConnection) -> Approval:
        now = self.clock()
        approval = Approval(
            approval_id=new_uuid7(int(now.timestamp() * 1000)),
            **dict(new),
            state=ApprovalState.PENDING,
            requested_by=by.subject,
            requested_at=now,
            expires_at=now + self.lifetime,
        )
        await self._require_holds(connection, by.subject, SCOPE_OF[new.operation])
        await insert_approval(connection, approval)
        await self._record(connection, by, "approval.request", approval, reason=new.reason)
        return approval

    async def decide(self, approval_id: UUID, state: ApprovalState, comment: str, by: Principal) -> Approval:
        """Approve or reject what somebody else asks for; whoever does holds the right to the operation too."""
        require_person(by)
        async with self.database.transaction() as connection:
            approval = await self._to_change(connection, approval_id)
            by.require(SCOPE_OF[approval.operation])
            require_may_decide(approval, by)
            await self._require_holds(connection, by.subject, SCOPE_OF[approval.operation], Scope.APPROVALS_DECIDE)
            decided = {"state": state, "decided_by": by.subject, "decided_at": self.clock(), "comment": comment}
            await update_approval(connection, approval_id, decided)
            action = "approval.approve" if state is ApprovalState.APPROVED else "approval.reject"
            await self._record(connection, by, action, approval, comment=comment)
        return approval.model_copy(update=decided)

    async def withdraw(self, approval_id: UUID, by: Principal) -> Approval:
        """Take back what one asked for oneself, as long as it was not used."""
        async with self.database.transaction() as connection:
            approval = await self._to_change(connection, approval_id)
            require_may_withdraw(approval, by)
            withdrawn = {"state": ApprovalState.WITHDRAWN}
            await update_approval(connection, approval_id, withdrawn)
            await self._record(connection, by, "approval.withdraw", approval)
        return approval.model_copy(update=withdrawn)

    async def use(self, approval_id: UUID, use: ApprovalUse, by: Principal) -> Approval:
        """For the service that does it: return when it is allowed, now. See `use_within`."""
        async with self.database.transaction() as connection:
            return await self.use_within(connection, approval_id, use, by)

    async def use_within(
        self, connection: AsyncConnection, approval_id: UUID | None, use: ApprovalUse, by: Principal
    ) -> Approval:
        """Return when the deed is approved; it may be asked again for a while, since its answer can be lost.

        Both who asked and who approved must still be there, not be suspended, and hold the right.
        """
        if approval_id is None:
            raise ApprovalRequired(operation=use.operation.value, resource=use.resource)
        approval, now = await self._to_change(connection, approval_id), self.clock()
        require_allows(approval, use, now)
        await self._require_both_still_may(connection, approval)
        if approval.used_at is not None:
            return approval
        used = {"used_at": now, "used_on": use.seen}
        await update_approval(connection, approval_id, used)
        await self._record(connection, by, "approval.use", approval, requested_by=use.by)
        return approval.model_copy(update=used)

    async def one(self, approval_id: UUID) -> Approval:
        """The approval as it is now."""
        async with self.database.connect() as connection:
            approval = await find_approval(connection, approval_id)
        if approval is None:
            raise ApprovalUnknown
        return as_of(approval, self.clock())

    async def page(self, last: UUID | None, state: ApprovalState | None, limit: int) -> Sequence[Approval]:
        """At most `limit` approvals, newest first, from the one before `last` on."""
        now = self.clock()
        async with self.database.connect() as connection:
            found = await approvals_before(connection, last, state, now, limit)
        return [as_of(approval, now) for approval in found]

    async def _to_change(self, connection: AsyncConnection, approval_id: UUID) -> Approval:
        approval = await approval_to_change(connection, approval_id)
        if approval is None:
            raise ApprovalUnknown
        return as_of(approval, self.clock())

    async def _require_both_still_may(self, connection: AsyncConnection, approval: Approval) -> None:
        scope = SCOPE_OF[approval.operation]
        try:
            await self._require_holds(connection, approval.requested_by, scope)
            await self._require_holds(connection, str(approval.decided_by), scope, Scope.APPROVALS_DECIDE)
        except (PersonRequired, ScopeMissing) as error:
            raise ApprovalInvalid("One of the two who agreed on it may not do so any more.") from error

    async def _require_holds(self, connection: AsyncConnection, username: str, *scopes: Scope) -> None:
        """A token may be older than what has become of its owner since."""
        person = await find_administrator(connection, username)
        if person is None or person.suspended:
            raise PersonRequired
        rights = await effective_rights(connection, person.roles)
        if missing := set(scopes) - rights.scopes:
            raise ScopeMissing(f"{username} does not hold {', '.join(sorted(missing))}.")

    async def _record(
        self, connection: AsyncConnection, by: Principal, action: str, approval: Approval, **more: str
    ) -> None:
        told = {"operation": approval.operation.value, "of": approval.resource, **more}
        deed = Deed.by(by, action, f"approval:{approval.approval_id}", **told)
        await self.audit.record(connection, deed)
