"""The log is signed every few seconds, so that whoever keeps a checkpoint can hold us to it."""

from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

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
from artstore_kit.health import Check, CheckResult
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
    _seen: Checkpoint | None = field(default=None, repr=False)
    _refused: AuditLogDamaged | None = field(default=None, repr=False)

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
        """Sign what has been appended, unless another node does so now.

        `AuditLogDamaged`, and nothing is signed, while the log does not go on from what was signed.
        """
        try:
            await self._sign_if_due()
        except AuditLogDamaged as error:
            self._refused = error
            raise

    def told_in(self, check: Check) -> Check:
        """The check, which before all else says why the log is no longer signed."""

        async def call() -> CheckResult | None:
            if self._refused:
                raise self._refused
            return await check.call()

        return replace(check, call=call)

    async def _sign_if_due(self) -> None:
        async with self.database.transaction() as connection:
            if not await try_to_be_the_signer(connection):
                return
            last, size, now = await last_checkpoint(connection), await log_size(connection), self.clock()
            due = is_due(last, size, now)
            if due or last != self._seen or size < (last.size if last else 0):
                await self._require_to_go_on(connection, last, size)
            if due:
                last = Checkpoint(size, self.key.signed(size, await _root(connection, size)), now)
                await insert_checkpoint(connection, last)
        self._seen, self._refused = last, None
        if due:
            metrics.AUDIT_SIGNED.set(size)

    async def _require_to_go_on(self, connection: AsyncConnection, last: Checkpoint | None, size: int) -> None:
        """From the last checkpoint, and from the last that was seen: a database that was put back knows of none."""
        seen = self._seen
        if seen and (last is None or last.size < seen.size):
            there = f"{last.size} entries" if last else "nothing"
            raise AuditLogDamaged(f"The audit log was put back: it has signed {seen.size} entries, and now {there}.")
        for each in (seen, last):
            if each and not (each.size <= size and await self._is_true(connection, each)):
                raise AuditLogDamaged(
                    f"The audit log does not go on from what was signed at {each.signed_at}: its first {each.size} "
                    "entries are others, or the key has not signed them."
                )

    async def _is_true(self, connection: AsyncConnection, checkpoint: Checkpoint) -> bool:
        """Signed by our key, of the tree that is there: Ed25519 signs the same text the same way (RFC 8032)."""
        return self.key.signed(checkpoint.size, await _root(connection, checkpoint.size)) == checkpoint.note


async def _root(connection: AsyncConnection, size: int) -> bytes:
    """The root of the tree as it was with `size` entries, from the tiles as they are."""
    tiles = await read_tiles(connection, tiles_of([(0, size)]))
    try:
        return root_hash(tiles, size)
    except KeyError as error:
        raise AuditLogDamaged from error
