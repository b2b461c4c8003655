"""Storage elements: they register, they report, and the registry shows them to everybody."""

from dataclasses import dataclass
from datetime import timedelta

from admin_module import metrics
from admin_module.adapters.elements import all_elements, find_element, register, reported_since, write_report
from admin_module.adapters.registry import Registry
from admin_module.adapters.removed_elements import was_taken_out
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.elements import (
    REGISTRY_TTL_S,
    ElementList,
    ElementRegistration,
    ElementReport,
    ElementView,
)
from artstore_kit.contracts.errors import ElementRemoved, ElementUnknown
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Elements:
    """The list of storage elements. PostgreSQL keeps it; the registry in Redis is told after each commit."""

    database: Database
    audit: AuditLog
    registry: Registry
    clock: Clock

    async def register(self, element_id: str, registration: ElementRegistration, by: Principal) -> ElementView:
        """Take an element into the list, or what it now says of itself; recorded when it says something new."""
        async with self.database.transaction() as connection:
            before = await find_element(connection, element_id)
            element = await register(connection, element_id, registration, self.clock())
            if await was_taken_out(connection, element_id):  # asked last: a removal at this moment has ended by now
                raise ElementRemoved
            if element != before:
                told = registration.model_dump(mode="json")
                await self.audit.record(connection, Deed.by(by, "element.register", f"element:{element_id}", **told))
        await self.registry.publish(element)
        return element

    async def report(self, element_id: str, report: ElementReport) -> None:
        """Keep and show the state of a registered element."""
        async with self.database.transaction() as connection:
            element = await write_report(connection, element_id, report, self.clock())
        if element is None:
            raise ElementUnknown(f"No element '{element_id}' is registered; it must register before it reports.")
        metrics.REPORTS.labels(element_id).inc()
        await self.registry.publish(element)

    async def one(self, element_id: str) -> ElementView:
        """The element of this id."""
        async with self.database.connect() as connection:
            element = await find_element(connection, element_id)
        if element is None:
            raise ElementUnknown
        return element

    async def all(self) -> ElementList:
        """Every element that has ever registered, alive or not."""
        async with self.database.connect() as connection:
            return ElementList(items=await all_elements(connection))

    async def show_again(self) -> None:
        """Fill the registry, at start, with the elements that have reported within its lifetime."""
        now = self.clock()
        async with self.database.connect() as connection:
            heard = await reported_since(connection, now - timedelta(seconds=REGISTRY_TTL_S))
        await self.registry.publish_again(heard, now)
