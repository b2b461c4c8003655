"""Checkpoints of the audit log and the key that signs them, in PostgreSQL."""

from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tables.audit import audit_checkpoints, audit_head, audit_keys
from admin_module.domain.checkpoints import Checkpoint, body, note, verifier_key

_LOCK = 0x41756469744E6F74


@dataclass(frozen=True)
class LogKey:
    """The key pair of the log, opened."""

    name: str
    public_key: bytes
    private_key: Ed25519PrivateKey

    @property
    def verifier_key(self) -> str:
        """Its public half."""
        return verifier_key(self.name, self.public_key)

    def signed(self, size: int, root: bytes) -> str:
        """The checkpoint of a tree of this size."""
        text = body(self.name, size, root)
        return note(text, self.name, self.public_key, self.private_key.sign(text.encode()))


async def find_log_key(connection: AsyncConnection, sealed_keys: SealedKeys) -> LogKey | None:
    """The key of this log; `WrongSettings` when it cannot be opened."""
    row = (await connection.execute(audit_keys.select())).one_or_none()
    if row is None:
        return None
    private_key = Ed25519PrivateKey.from_private_bytes(sealed_keys.unseal(row.name, row.sealed_private_key))
    return LogKey(row.name, private_key.public_key().public_bytes_raw(), private_key)


async def make_log_key(connection: AsyncConnection, sealed_keys: SealedKeys, name: str, now: datetime) -> LogKey:
    """A new key, kept sealed."""
    private_key = Ed25519PrivateKey.generate()
    public_key = private_key.public_key().public_bytes_raw()
    sealed = sealed_keys.seal(name, private_key.private_bytes_raw())
    row = {"name": name, "public_key": public_key, "sealed_private_key": sealed, "created_at": now}
    await connection.execute(audit_keys.insert().values(row))
    return LogKey(name, public_key, private_key)


async def try_to_be_the_signer(connection: AsyncConnection) -> bool:
    """Whether no other node signs in this moment; good until the end of the transaction."""
    return bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))))


async def log_size(connection: AsyncConnection) -> int:
    """How many entries have been appended."""
    return await connection.scalar(sa.select(audit_head.c.size)) or 0


async def last_checkpoint(connection: AsyncConnection) -> Checkpoint | None:
    """The newest checkpoint."""
    newest = audit_checkpoints.select().order_by(audit_checkpoints.c.size.desc()).limit(1)
    row = (await connection.execute(newest)).one_or_none()
    return None if row is None else Checkpoint(row.size, row.note, row.signed_at)


async def insert_checkpoint(connection: AsyncConnection, checkpoint: Checkpoint) -> None:
    """Keep a checkpoint; nothing happens when there is one of its size."""
    await connection.execute(insert(audit_checkpoints).values(asdict(checkpoint)).on_conflict_do_nothing())


async def remove_checkpoints(connection: AsyncConnection, before: datetime) -> None:
    """Remove old ones, never the newest: those who watch the log keep their own."""
    newest = sa.select(sa.func.max(audit_checkpoints.c.size)).scalar_subquery()
    old = sa.and_(audit_checkpoints.c.signed_at < before, audit_checkpoints.c.size < newest)
    await connection.execute(audit_checkpoints.delete().where(old))
