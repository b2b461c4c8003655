"""The log is signed every few seconds, so that whoever keeps a checkpoint can hold us to it."""

from dataclasses import dataclass, field

from admin_module import metrics
from admin_module.adapters import first_start_lock
from admin_module.adapters.audit import read_tiles
from admin_module.adapters.checkpoints import (
    LogKey,
    find_log_key,
    insert_checkpoint,
    last_checkpoint,
    log_size,
    make_log_key,
    try_to_be_the_signer,
)
from admin_module.adapters.sealing import SealedKeys
from admin_module.domain.audit import Deed
from admin_module.domain.checkpoints import Checkpoint, is_due
from admin_module.domain.clock import Clock
from admin_module.domain.merkle import root_hash, tiles_of
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.errors import AuditLogDamaged, CheckpointPending
from artstore_kit.postgres import Database


@dataclass
class Checkpoints:
    """Signs the log, one node at a time, and shows what was signed."""

    database: Database
    audit: AuditLog
    sealed_keys: SealedKeys
    name: str
    clock: Clock
    _opened: list[LogKey] = field(default_factory=list, repr=False)

    async def open(self) -> None:
        """Open the log's key; the first node that starts makes it, with this name."""
        async with self.database.transaction() as connection:
            await first_start_lock.take(connection)
            key = await find_log_key(connection, self.sealed_keys)
            if key is None:
                key = await make_log_key(connection, self.sealed_keys, self.name, self.clock())
                made = Deed.of_service("key.create", f"key:{key.name}", verifier_key=key.verifier_key)
                await self.audit.record(connection, made)
        self._opened = [key]

    @property
    def key(self) -> LogKey:
        """The key of the log."""
        return self._opened[0]

    async def newest(self) -> Checkpoint:
        """The last that was signed; `CheckpointPending` before the first."""
        async with self.database.connect() as connection:
            checkpoint = await last_checkpoint(connection)
        if checkpoint is None:
            raise CheckpointPending
        return checkpoint

    async def sign_if_due(self) -> None:
        """Sign what has been appended, unless another node does so now."""
        async with self.database.transaction() as connection:
            if not await try_to_be_the_signer(connection):
                return
            last, size, now = await last_checkpoint(connection), await log_size(connection), self.clock()
            if not is_due(last, size, now):
                return
            tiles = await read_tiles(connection, tiles_of([(0, size)]))
            try:
                root = root_hash(tiles, size)
            except KeyError as error:
                raise AuditLogDamaged from error
            await insert_checkpoint(connection, Checkpoint(size, self.key.signed(size, root), now))
        metrics.AUDIT_SIGNED.set(size)
