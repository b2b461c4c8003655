"""What cannot be undone is done only with the approval of a second administrator, asked for right before the deed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.approvals import NAME_LIMIT, ApprovalUse, GuardedOperation, file_resource, hold_resource
from artstore_kit.contracts.errors import ApprovalRequired
from artstore_kit.contracts.files import FileAttributes
from storage_element.domain.origin import Origin

type Approved = Callable[[FileAttributes], Awaitable[None]]
"""Raises unless the deed is approved at this moment, for the file as it is."""


@dataclass(frozen=True)
class FourEyes:
    """The admin module keeps the approvals and judges. When it is away nothing is done, and 503 tells so."""

    admin: AdminClient

    def releasing(self, file_id: UUID, hold_id: str, origin: Origin, approval: UUID | None) -> Approved:
        """A hold is to be released: that always needs an approval."""
        use = _use(GuardedOperation.HOLD_RELEASE, hold_resource(file_id, hold_id), origin)
        return lambda file: self._ask(approval, use, file)

    def destroying(self, file_id: UUID, origin: Origin, approval: UUID | None) -> Approved | None:
        """A file is to be destroyed before its time; None when nobody says that it was approved."""
        if approval is None:
            return None
        use = _use(GuardedOperation.FILE_DESTROY, file_resource(file_id), origin)
        return lambda file: self._ask(approval, use, file)

    async def _ask(self, approval: UUID | None, use: ApprovalUse, file: FileAttributes) -> None:
        """No position of the journal is given again, so a hold that is placed anew is seen to be another one."""
        if approval is None:
            raise ApprovalRequired(operation=use.operation.value, resource=use.resource)
        seen = f"{file.element.id}/{file.element.lsn}"
        await self.admin.use_approval(approval, use.model_copy(update={"seen": seen}))


def _use(operation: GuardedOperation, resource: str, origin: Origin) -> ApprovalUse:
    by = (origin.acting_for or origin.actor)[:NAME_LIMIT]
    return ApprovalUse(operation=operation, resource=resource, by=by)
