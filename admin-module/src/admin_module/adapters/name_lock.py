"""Locks on names: one at a time makes something of a name, on however many nodes."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

SUBJECTS = 0x4E616D65
"""A name stands for one subject (RFC 9068 section 5): whoever gives it to a program or a person holds its lock."""
ANSWERS = 0x416E7377
"""Of requests under an `Idempotency-Key`. Any numbers will do, if all nodes have the same, and the two differ."""


async def take(connection: AsyncConnection, name: str, among: int = SUBJECTS) -> None:
    """Wait for the name's lock; it is let go at the end of the transaction."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(among, sa.func.hashtext(name))))
