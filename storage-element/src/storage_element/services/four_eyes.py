"""What cannot be undone is done only with the approval of a second administrator, asked for right before the deed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.approvals import NAME_LIMIT, ApprovalUse, GuardedOperation, file_resource, hold_resource
from artstore_kit.contracts.errors import ApprovalRequired
from storage_element.domain.origin import Origin

type Approved = Callable[[], Awaitable[None]]
"""Raises unless the deed is approved at this moment."""


@dataclass(frozen=True)
class FourEyes:
    """The admin module keeps the approvals and judges. When it is away nothing is done, and 503 tells so."""

    admin: AdminClient

    def releasing(self, file_id: UUID, hold_id: str, origin: Origin, approval: UUID | None) -> Approved:
        """A hold is to be released: that always needs an approval."""
        use = _use(GuardedOperation.HOLD_RELEASE, hold_resource(file_id, hold_id), origin)
        return lambda: self._ask(approval, use)

    def destroying(self, file_id: UUID, origin: Origin, approval: UUID | None) -> Approved | None:
        """A file is to be destroyed before its time; None when nobody says that it was approved."""
        if approval is None:
            return None
        use = _use(GuardedOperation.FILE_DESTROY, file_resource(file_id), origin)
        return lambda: self._ask(approval, use)

    async def _ask(self, approval: UUID | None, use: ApprovalUse) -> None:
        if approval is None:
            raise ApprovalRequired(operation=use.operation.value, resource=use.resource)
        await self.admin.use_approval(approval, use)


def _use(operation: GuardedOperation, resource: str, origin: Origin) -> ApprovalUse:
    by = (origin.acting_for or origin.actor)[:NAME_LIMIT]
    return ApprovalUse(operation=operation, resource=resource, by=by)
