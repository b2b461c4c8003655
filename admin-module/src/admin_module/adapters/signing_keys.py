"""Signing keys in PostgreSQL."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.signing_keys import signing_keys
from admin_module.domain.signing_keys import SigningKey

_LOCK = 0x5369676E4B657973


async def take_keys_lock(connection: AsyncConnection) -> None:
    """One node at a time changes the keys; let go at the end of the transaction."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


async def insert_key(connection: AsyncConnection, key: SigningKey) -> None:
    """Add a key pair, its private half sealed."""
    await connection.execute(signing_keys.insert().values(asdict(key)))


async def all_keys(connection: AsyncConnection) -> list[SigningKey]:
    """Every key, in the order in which they sign."""
    columns = (signing_keys.c[name] for name in SigningKey.__dataclass_fields__)
    rows = await connection.execute(sa.select(*columns).order_by(signing_keys.c.not_before, signing_keys.c.kid))
    return [SigningKey(*row) for row in rows]


async def start_key(connection: AsyncConnection, kid: str, not_before: datetime) -> None:
    """Let a key sign from this moment on."""
    await _set(connection, [kid], not_before=not_before)


async def retire_key(connection: AsyncConnection, kid: str, at: datetime) -> None:
    """Another key signs from this moment on."""
    await _set(connection, [kid], retired_at=at)


async def mark_key_revoked(connection: AsyncConnection, kid: str, at: datetime) -> None:
    """Nothing that it has signed is good any more; its private half is gone."""
    await _set(connection, [kid], revoked_at=at, sealed_private_key=b"")


async def let_private_halves_go(connection: AsyncConnection, kids: Iterable[str]) -> None:
    """Nobody signs with these again."""
    await _set(connection, kids, sealed_private_key=b"")


async def remove_keys(connection: AsyncConnection, kids: Iterable[str]) -> None:
    """Nothing that these have signed can be valid."""
    await connection.execute(signing_keys.delete().where(signing_keys.c.kid.in_(list(kids))))


async def _set(connection: AsyncConnection, kids: Iterable[str], **values: object) -> None:
    await connection.execute(signing_keys.update().where(signing_keys.c.kid.in_(list(kids))).values(values))
