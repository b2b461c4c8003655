"""Where the follower of each element is, kept in the transaction of what it did."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from query_module.adapters.tables import cursors
from query_module.domain.cursor import Cursor


async def commit_lazily(connection: AsyncConnection) -> None:
    """Let this transaction's commit not wait for the disk.

    After a power cut the last moments may be gone, the cursor with them: the follower reads them again.
    """
    await connection.execute(sa.text("SET LOCAL synchronous_commit = off"))


async def read_cursor(connection: AsyncConnection, element_id: str) -> Cursor:
    """The cursor as it was committed; a new one for an element that is not known yet."""
    columns = (cursors.c.generation, cursors.c.lsn, cursors.c.sweep, cursors.c.sweeping)
    row = (await connection.execute(sa.select(*columns).where(cursors.c.element_id == element_id))).one_or_none()
    return Cursor(*row) if row else Cursor()


async def move_cursor(connection: AsyncConnection, element_id: str, old: Cursor, new: Cursor) -> bool:
    """Move the cursor if it still is at `old`; its row stays locked until the transaction ends."""
    values = {"generation": new.generation, "lsn": new.lsn, "sweep": new.sweep, "sweeping": new.sweeping}
    if old == Cursor():
        added = pg.insert(cursors).values(element_id=element_id, **values).on_conflict_do_nothing()
        return (await connection.execute(added)).rowcount == 1
    moved = (
        sa.update(cursors)
        .values(values)
        .where(
            cursors.c.element_id == element_id,
            cursors.c.generation == old.generation,
            cursors.c.lsn == old.lsn,
            cursors.c.sweep == old.sweep,
            cursors.c.sweeping == old.sweeping,
        )
    )
    return (await connection.execute(moved)).rowcount == 1
