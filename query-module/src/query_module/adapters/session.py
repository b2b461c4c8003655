"""How the search index is read and written: without needless round trips, and with one error when it cannot be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from artstore_kit.contracts.errors import DatabaseUnavailable, IndexUnavailable
from artstore_kit.postgres import Database

PARAMETERS = {"plan_cache_mode": "force_custom_plan"}
"""A plan that ignores the words asked for would walk the whole table for a rare one."""


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection for single statements that need no transaction around them."""
    try:
        async with database.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
    except DatabaseUnavailable as error:
        raise IndexUnavailable from error


async def commit_lazily(connection: AsyncConnection) -> None:
    """Let this transaction's commit not wait for the disk.

    After a power cut the last moments may be gone, the cursor with them: the follower reads them again.
    """
    await connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
