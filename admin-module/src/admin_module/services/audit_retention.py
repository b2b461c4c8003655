"""Entries are let go a month at a time, when the last of the month has been kept long enough; their hashes stay."""

import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.audit import drop_partition, months_kept
from admin_module.adapters.audit_reads import page_of_leaves
from admin_module.adapters.checkpoints import last_checkpoint, remove_checkpoints
from admin_module.domain.audit import Deed, Month
from admin_module.domain.audit_filters import Filters
from admin_module.domain.clock import Clock
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.audit import ADMIN_SERVICE
from artstore_kit.logs import event_logger
from artstore_kit.postgres import Database

EXPIRED = "audit.expire"
CHECKPOINTS_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class AuditRetention:
    """Lets go what is older than `kept`, and tells so in the log."""

    database: Database
    audit: AuditLog
    kept: timedelta
    clock: Clock

    async def apply(self) -> None:
        """One round. A month goes only when all of the log until now was signed."""
        now = self.clock()
        async with self.database.transaction() as connection:
            await remove_checkpoints(connection, now - CHECKPOINTS_KEPT)
            old = [month for month in await months_kept(connection) if month.next.begins_at + self.kept <= now]
            signed = await last_checkpoint(connection)
        for month in sorted(old) if signed else []:
            await self._let_go(month, signed.size if signed else 0)

    async def _let_go(self, month: Month, signed: int) -> None:
        async with self.database.transaction() as connection:
            let_go = await drop_partition(connection, month, signed)
            if let_go is None:
                return
            name, so_far = f"{month.year:04}-{month.month:02}", let_go + await _let_go_before(connection)
            told = {"month": name, "entries": let_go, "entries_so_far": so_far}
            await self.audit.record(connection, Deed.of_service(EXPIRED, "audit", **told))
        event_logger().info("audit entries let go", month=name, entries=let_go)


async def _let_go_before(connection: AsyncConnection) -> int:
    """How many entries were let go ever: whoever checks the log counts those that are missing."""
    told = await page_of_leaves(connection, Filters(action=EXPIRED, service=ADMIN_SERVICE), 1)
    return int(json.loads(told[0])["entry"]["detail"]["entries_so_far"]) if told else 0
