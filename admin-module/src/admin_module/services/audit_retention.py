"""Entries are let go a month at a time, when the last of the month, by deed and by record, is old; hashes stay."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.audit import drop_partition, lock_head, months_kept, newest_of
from admin_module.adapters.audit_reads import last_recorded
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
        """One round. A month goes only when all of it was signed."""
        now = self.clock()
        async with self.database.transaction() as connection:
            await remove_checkpoints(connection, now - CHECKPOINTS_KEPT)
            old = [month for month in await months_kept(connection) if month.next.begins_at + self.kept <= now]
            signed = await last_checkpoint(connection)
        for month in sorted(old) if signed else []:
            await self._let_go(month, signed.size if signed else 0)

    async def _let_go(self, month: Month, signed: int) -> None:
        async with self.database.transaction() as connection:
            await lock_head(connection)
            newest = await newest_of(connection, month)
            if newest is None or newest.index >= signed or not self._was_kept(newest.leaf):
                return
            so_far = newest.entries + await _let_go_before(connection)  # who told it last may be of this month
            await drop_partition(connection, month)
            name = f"{month.year:04}-{month.month:02}"
            told = {"month": name, "entries": newest.entries, "entries_so_far": so_far}
            await self.audit.record(connection, Deed.of_service(EXPIRED, "audit", **told))
        event_logger().info("audit entries let go", month=name, entries=newest.entries)

    def _was_kept(self, leaf: bytes) -> bool:
        """An entry that was delivered late is kept as long: a witness knows when it came, not when the deed was."""
        return datetime.fromisoformat(json.loads(leaf)["recorded_at"]) + self.kept <= self.clock()


async def _let_go_before(connection: AsyncConnection) -> int:
    """How many entries were let go ever: whoever checks the log counts those that are missing."""
    told = await last_recorded(connection, Filters(action=EXPIRED, service=ADMIN_SERVICE))
    return int(json.loads(told)["entry"]["detail"]["entries_so_far"]) if told else 0
