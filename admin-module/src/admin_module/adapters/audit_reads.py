"""Reading the audit log: by filters newest first, by place, and as raw leaves."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.audit import audit_entries
from admin_module.domain.audit import first_id_of
from admin_module.domain.audit_filters import Filters


async def page_of_leaves(
    connection: AsyncConnection, filters: Filters, limit: int, *, before: UUID | None = None, after: UUID | None = None
) -> list[bytes]:
    """At most `limit` leaves whose deeds were before that of `before`, newest first; or after, oldest first."""
    column = audit_entries.c.entry_id
    statement = sa.select(audit_entries.c.leaf).where(*_conditions(filters)).limit(limit)
    if after is not None:
        statement = statement.where(column > after).order_by(column)
    else:
        statement = statement.order_by(column.desc())
    if before is not None:
        statement = statement.where(column < before)
    return [bytes(leaf) for leaf in await connection.scalars(statement)]


async def last_recorded(connection: AsyncConnection, filters: Filters) -> bytes | None:
    """The leaf that stands last in the log, whatever moment its deed has; None when there is none. For few matches."""
    statement = sa.select(audit_entries.c.leaf).where(*_conditions(filters))
    place = audit_entries.c.index + 0  # in no index: the log must not be walked backwards for what is rare
    leaf = await connection.scalar(statement.order_by(place.desc()).limit(1))
    return None if leaf is None else bytes(leaf)


async def leaves_from(connection: AsyncConnection, start: int, end: int) -> dict[int, bytes]:
    """The leaves at `start` and after it, up to and without `end`, by place; without those that were let go."""
    index = audit_entries.c.index
    statement = sa.select(index, audit_entries.c.leaf).where(index >= start, index < end)
    return {place: bytes(leaf) for place, leaf in await connection.execute(statement)}


async def place_of(connection: AsyncConnection, entry_id: UUID) -> int | None:
    """Where in the log the entry is."""
    return await connection.scalar(sa.select(audit_entries.c.index).where(audit_entries.c.entry_id == entry_id))


def _conditions(filters: Filters) -> Sequence[sa.ColumnElement[bool]]:
    """The moment of a deed is in its id, so that a time is a range of ids, in few months."""
    names = ("actor", "client_id", "acting_for", "resource", "service")
    conditions = [audit_entries.c[name] == value for name in names if (value := getattr(filters, name))]
    if filters.action.endswith("."):
        conditions.append(audit_entries.c.action.startswith(filters.action, autoescape=True))
    elif filters.action:
        conditions.append(audit_entries.c.action == filters.action)
    if filters.outcome:
        conditions.append(audit_entries.c.outcome == filters.outcome.value)
    if filters.since:
        conditions.append(audit_entries.c.entry_id >= first_id_of(filters.since))
    if filters.until:
        conditions.append(audit_entries.c.entry_id < first_id_of(filters.until))
    return conditions
