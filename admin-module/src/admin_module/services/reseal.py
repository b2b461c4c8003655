"""Sealing anew: what was sealed with a former sealing key is sealed with the one that is given now."""

from dataclasses import dataclass

from admin_module.adapters.sealed_columns import SealedColumn, sealed_columns
from admin_module.adapters.sealing import SealedKeys
from admin_module.domain.audit import Deed
from admin_module.services.audit import AuditLog
from artstore_kit.logs import event_logger
from artstore_kit.postgres import Database


@dataclass(frozen=True)
class Reseal:
    """Row by row, each in a transaction of its own: after a crash the rest is done, and several nodes may do it."""

    database: Database
    audit: AuditLog
    sealed_keys: SealedKeys

    async def run(self) -> int:
        """How many secrets were sealed anew; `WrongSettings` when one cannot be opened."""
        count = 0
        for column in sealed_columns():
            async with self.database.connect() as connection:
                rows = await column.rows(connection)
            for name, sealed in rows:
                if not self.sealed_keys.is_newest(sealed):
                    count += await self._seal_anew(column, name, sealed)
        if count:
            event_logger().info("secrets sealed anew", count=count)
        return count

    async def _seal_anew(self, column: SealedColumn, name: str, sealed: bytes) -> bool:
        anew = self.sealed_keys.seal(name, self.sealed_keys.unseal(name, sealed))
        async with self.database.transaction() as connection:
            replaced = await column.replace(connection, name, sealed, anew)
            if replaced:
                await self.audit.record(connection, Deed.of_service("secret.reseal", f"{column.noun}:{name}"))
        return replaced
