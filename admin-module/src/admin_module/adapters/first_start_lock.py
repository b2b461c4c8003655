"""One node at a time: the lock under which an empty database is furnished."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK = 0x41646D696E4F6E65
"""Any number will do, if it is the same on all nodes and no other lock of this database has it."""


async def take(connection: AsyncConnection) -> None:
    """Wait for the lock; it is let go at the end of the transaction."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
