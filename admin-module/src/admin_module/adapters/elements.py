"""Storage elements in PostgreSQL: what each said of itself when it registered, and its newest report."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables import elements
from artstore_kit.contracts.elements import ElementRegistration, ElementReport, ElementView


async def register(
    connection: AsyncConnection, element_id: str, registration: ElementRegistration, now: datetime
) -> ElementView:
    """Add the element, or write what it says of itself now; its first registration's time stays."""
    told = registration.model_dump(mode="json")
    statement = insert(elements).values(element_id=element_id, registered_at=now, **told)
    statement = statement.on_conflict_do_update(index_elements=[elements.c.element_id], set_=told)
    return _view((await connection.execute(statement.returning(*elements.c))).one())


async def write_report(
    connection: AsyncConnection, element_id: str, report: ElementReport, now: datetime
) -> ElementView | None:
    """Keep the element's newest report; None when it is not registered."""
    statement = elements.update().where(elements.c.element_id == element_id)
    statement = statement.values(
        mode=report.mode.value, epoch=report.epoch, reported_at=now, report=report.model_dump(mode="json")
    )
    row = (await connection.execute(statement.returning(*elements.c))).one_or_none()
    return None if row is None else _view(row)


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
