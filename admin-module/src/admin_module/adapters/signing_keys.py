"""Signing keys in PostgreSQL."""

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.signing_keys import signing_keys
from admin_module.domain.signing_keys import SigningKey


async def insert_key(connection: AsyncConnection, key: SigningKey) -> None:
    """Add a key pair, its private half sealed."""
    await connection.execute(signing_keys.insert().values(asdict(key)))


async def all_keys(connection: AsyncConnection) -> list[SigningKey]:
    """Every key, oldest first."""
    columns = (signing_keys.c[name] for name in SigningKey.__dataclass_fields__)
    rows = await connection.execute(sa.select(*columns).order_by(signing_keys.c.published_at, signing_keys.c.kid))
    return [SigningKey(*row) for row in rows]
