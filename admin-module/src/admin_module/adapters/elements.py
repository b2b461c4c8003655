"""Storage elements in PostgreSQL: what each said of itself when it registered, and its newest report."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.elements import elements
from artstore_kit.contracts.elements import REGISTRY_TTL_S, ElementRegistration, ElementReport, ElementView


async def register(
    connection: AsyncConnection, element_id: str, registration: ElementRegistration, now: datetime
) -> ElementView:
    """Add the element, or write what its master says of itself now; its first registration's time stays.

    A node that was the master before the one that reports now changes nothing.
    """
    told = registration.model_dump(mode="json")
    statement = insert(elements).values(element_id=element_id, registered_at=now, **told)
    statement = statement.on_conflict_do_update(
        index_elements=[elements.c.element_id],
        set_=told,
        where=_not_stale(registration.epoch, now) | (elements.c.url == registration.url),
    )
    row = (await connection.execute(statement.returning(*elements.c))).one_or_none()
    return _view(row) if row else await _found(connection, element_id)


async def write_report(
    connection: AsyncConnection, element_id: str, report: ElementReport, now: datetime
) -> ElementView | None:
    """Keep the report of the element's newest master; None when the element is not registered.

    One of an older epoch has to register first, and learns there that it is not heard.
    """
    statement = elements.update().where((elements.c.element_id == element_id) & (elements.c.epoch <= report.epoch))
    statement = statement.values(
        mode=report.mode.value, epoch=report.epoch, reported_at=now, report=report.model_dump(mode="json")
    )
    row = (await connection.execute(statement.returning(*elements.c))).one_or_none()
    return None if row is None else _view(row)


def _not_stale(epoch: int, now: datetime) -> sa.ColumnElement[bool]:
    """An element that was restored has a lower epoch than it had: it counts when the later master has fallen silent."""
    silent_since = now - timedelta(seconds=REGISTRY_TTL_S)
    return (elements.c.epoch <= epoch) | elements.c.reported_at.is_(None) | (elements.c.reported_at < silent_since)


async def _found(connection: AsyncConnection, element_id: str) -> ElementView:
    return _view((await connection.execute(elements.select().where(elements.c.element_id == element_id))).one())


async def find_element(connection: AsyncConnection, element_id: str) -> ElementView | None:
    """The element of this id."""
    row = (await connection.execute(elements.select().where(elements.c.element_id == element_id))).one_or_none()
    return None if row is None else _view(row)


async def all_elements(connection: AsyncConnection) -> list[ElementView]:
    """Every element, by id."""
    return [_view(row) for row in await connection.execute(elements.select().order_by(elements.c.element_id))]


async def reported_since(connection: AsyncConnection, moment: datetime) -> list[ElementView]:
    """The elements that have reported after `moment`."""
    return [_view(row) for row in await connection.execute(elements.select().where(elements.c.reported_at > moment))]


def _view(row: sa.Row[tuple[object, ...]]) -> ElementView:
    return ElementView.model_validate(row, from_attributes=True)
