"""Taking a storage element out of the fleet, with four eyes, and letting it in again."""

from dataclasses import dataclass
from uuid import UUID

from admin_module.adapters.registry import Registry
from admin_module.adapters.removed_elements import let_back, take_out
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.approvals import ApprovalUse, GuardedOperation, element_resource
from artstore_kit.contracts.errors import ElementUnknown
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class ElementRemoval:
    """The element's files are not touched: it is only no part of the fleet any more."""

    database: Database
    audit: AuditLog
    approvals: Approvals
    registry: Registry
    clock: Clock

    async def remove(self, element_id: str, approval_id: UUID | None, by: Principal) -> None:
        """Take it out of the list, for good: it cannot register again until it is let back."""
        resource, operation = element_resource(element_id), GuardedOperation.ELEMENT_REMOVE
        async with self.database.transaction() as connection:
            registered_at = await take_out(connection, element_id, self.clock())
            if registered_at is None:
                raise ElementUnknown
            seen = registered_at.isoformat()
            use = ApprovalUse(operation=operation, resource=resource, by=by.on_whose_behalf, seen=seen)
            await self.approvals.use_within(connection, approval_id, use, by)
            await self.audit.record(connection, Deed.by(by, "element.remove", resource))
        await self.registry.withdraw(element_id)

    async def readmit(self, element_id: str, by: Principal) -> None:
        """It may register again; `ElementUnknown` when it was not removed."""
        async with self.database.transaction() as connection:
            if not await let_back(connection, element_id):
                raise ElementUnknown(f"No element '{element_id}' was removed.")
            await self.audit.record(connection, Deed.by(by, "element.readmit", element_resource(element_id)))
