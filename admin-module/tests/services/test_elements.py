"""Elements in the list and in the registry."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from admin_module.adapters.registry import Registry
from admin_module.services.audit import AuditLog
from admin_module.services.elements import Elements
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.elements import Capacity, ElementRegistration, ElementReport, ElementView, Fullness
from artstore_kit.contracts.errors import ElementUnknown
from artstore_kit.contracts.modes import Mode
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.redis import RedisClient
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
KEY = "{artstore}:element:edit-1"
REGISTRATION = ElementRegistration(url="http://edit-1.test:8010", mode=Mode.EDIT, epoch=3, priority=7, site="north")
REPORT = ElementReport(
    mode=Mode.EDIT,
    epoch=3,
    capacity=Capacity(total_bytes=100, used_bytes=40, free_bytes=60, fullness=Fullness.OK),
    files=2,
    last_lsn=12,
    writable=True,
)


@pytest.fixture
def elements(database: Database, audit: AuditLog, redis: RedisClient, clock: MovableClock) -> Elements:
    return Elements(database, audit, Registry(redis), clock)


async def shown(redis: RedisClient) -> ElementView | None:
    found = await redis.get(KEY)
    return None if found is None else ElementView.model_validate_json(found)


async def test_what_registers_is_shown_at_once(
    elements: Elements, ada: Principal, redis: RedisClient, clock: MovableClock
) -> None:
    element = await elements.register("edit-1", REGISTRATION, ada)
    assert element == ElementView(
        element_id="edit-1", registered_at=clock(), reported_at=None, report=None, **REGISTRATION.model_dump()
    )
    assert await shown(redis) == element == await elements.one("edit-1")


async def test_a_report_is_shown_at_once(
    elements: Elements, ada: Principal, redis: RedisClient, clock: MovableClock
) -> None:
    await elements.register("edit-1", REGISTRATION, ada)
    clock.move(timedelta(seconds=5))
    changed = REPORT.model_copy(update={"mode": Mode.RO, "epoch": 4})
    await elements.report("edit-1", changed)
    element = await elements.one("edit-1")
    assert (element.report, element.reported_at, element.mode, element.epoch) == (changed, clock(), Mode.RO, 4)
    assert await shown(redis) == element


async def test_registering_again_keeps_the_first_time_and_the_last_report(
    elements: Elements, ada: Principal, clock: MovableClock
) -> None:
    first = await elements.register("edit-1", REGISTRATION, ada)
    await elements.report("edit-1", REPORT)
    clock.move(timedelta(days=1))
    again = await elements.register("edit-1", REGISTRATION.model_copy(update={"url": "http://elsewhere.test"}), ada)
    assert (again.registered_at, again.report, again.url) == (first.registered_at, REPORT, "http://elsewhere.test")


async def test_a_node_that_was_the_master_before_is_not_heard(
    elements: Elements, ada: Principal, redis: RedisClient, clock: MovableClock
) -> None:
    """It registers and reports as if nothing had happened; an element that was restored is heard after a while."""
    stale = REGISTRATION.model_copy(update={"url": "http://stale.test"})
    master = REGISTRATION.model_copy(update={"epoch": 4, "url": "http://master.test"})
    for registration in (stale, master):
        await elements.register("edit-1", registration, ada)
    await elements.report("edit-1", REPORT.model_copy(update={"epoch": 4}))
    with pytest.raises(ElementUnknown):
        await elements.report("edit-1", REPORT)
    assert (await elements.register("edit-1", stale, ada)).url == "http://master.test"
    element = await shown(redis)
    assert element is not None
    assert (element.url, element.epoch) == ("http://master.test", 4)
    clock.move(timedelta(minutes=1))
    assert (await elements.register("edit-1", stale, ada)).url == "http://stale.test"
    await elements.report("edit-1", REPORT)


async def test_who_has_not_registered_cannot_report(elements: Elements, redis: RedisClient) -> None:
    with pytest.raises(ElementUnknown):
        await elements.report("edit-1", REPORT)
    assert await shown(redis) is None


async def test_after_a_flush_a_start_shows_the_living(
    elements: Elements, ada: Principal, redis: RedisClient, clock: MovableClock
) -> None:
    for name in ("edit-1", "rw-1"):
        await elements.register(name, REGISTRATION, ada)
    await elements.report("rw-1", REPORT)
    clock.move(timedelta(seconds=10))
    await elements.report("edit-1", REPORT)
    clock.move(timedelta(seconds=6))
    await redis.flushdb()
    await elements.show_again()
    assert await redis.smembers("{artstore}:elements") == {"edit-1"}
    assert await shown(redis) == await elements.one("edit-1")
    assert await redis.pttl(KEY) <= 9_000


async def test_what_an_element_says_anew_is_recorded_once(
    elements: Elements, recorded: Recorded, ada: Principal, clock: MovableClock
) -> None:
    moved = REGISTRATION.model_copy(update={"url": "http://elsewhere.test"})
    for registration in (REGISTRATION, REGISTRATION, moved):
        await elements.register("edit-1", registration, ada)
        clock.move(timedelta(seconds=1))
    first, second = await recorded()
    assert (first.action, first.resource, first.actor) == ("element.register", "element:edit-1", "ada")
    assert [entry.detail["url"] for entry in (first, second)] == ["http://edit-1.test:8010", "http://elsewhere.test"]


async def test_a_registration_that_was_rolled_back_leaves_no_entry(
    doomed: Database, recorded: Recorded, redis: RedisClient, ada: Principal, clock: MovableClock
) -> None:
    elements = Elements(doomed, AuditLog(doomed, clock), Registry(redis), clock)
    with pytest.raises(Exception, match="CommitLost"):
        await elements.register("edit-1", REGISTRATION, ada)
    assert await recorded() == []
    assert await shown(redis) is None
