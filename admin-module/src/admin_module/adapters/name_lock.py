"""A name stands for one subject (RFC 9068 section 5): whoever gives it to a program or a person holds its lock."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_NAMES = 0x4E616D65
"""Any number will do, if it is the same on all nodes and no other locks with two keys have it."""


async def take(connection: AsyncConnection, name: str) -> None:
    """Wait for the name's lock; it is let go at the end of the transaction."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_NAMES, sa.func.hashtext(name))))
