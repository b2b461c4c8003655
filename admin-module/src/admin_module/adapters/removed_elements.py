"""Elements that were taken out of the fleet, in PostgreSQL."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.elements import elements, removed_elements


async def take_out(connection: AsyncConnection, element_id: str, now: datetime) -> datetime | None:
    """Remove the element from the list and remember that; since when it was there. None, and nothing done, if not."""
    removed = elements.delete().where(elements.c.element_id == element_id).returning(elements.c.registered_at)
    registered_at = await connection.scalar(removed)
    if registered_at is not None:
        statement = insert(removed_elements).values(element_id=element_id, removed_at=now)
        await connection.execute(statement.on_conflict_do_nothing())
    return registered_at


async def was_taken_out(connection: AsyncConnection, element_id: str) -> bool:
    """Whether it may not register."""
    found = sa.exists(sa.select(removed_elements.c.element_id).where(removed_elements.c.element_id == element_id))
    return await connection.scalar(sa.select(found)) is True


async def let_back(connection: AsyncConnection, element_id: str) -> bool:
    """Forget that it was taken out; False when it was not."""
    forgotten = await connection.execute(removed_elements.delete().where(removed_elements.c.element_id == element_id))
    return forgotten.rowcount == 1
