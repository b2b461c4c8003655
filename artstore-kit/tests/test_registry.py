"""The directory of elements while Redis and the admin module come and go."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from artstore_kit.callee import Callee
from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.elements import REGISTRY_INDEX_KEY, REGISTRY_KEY_PREFIX, ElementView
from artstore_kit.contracts.errors import RegistryUnavailable
from artstore_kit.contracts.modes import Mode
from artstore_kit.outbound import Outbound
from artstore_kit.redis import RedisClient, connect
from artstore_kit.registry import ElementDirectory, Source
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import free_port
from artstore_kit.testing.clock import Seconds
from artstore_kit.tokens.service_token import ServiceToken


@pytest.fixture
def clock() -> Seconds:
    return Seconds(1000.0)


@pytest.fixture
async def client(admin: AdminStandIn) -> AsyncIterator[AdminClient]:
    tokens = ServiceToken.of(admin.address(), admin.account())
    client = AdminClient(Outbound(Callee("admin", admin.url, tokens), deadline_s=0.5))
    yield client
    await client.close()
    await tokens.close()


@pytest.fixture
def directory(redis: RedisClient, client: AdminClient, clock: Seconds) -> ElementDirectory:
    return ElementDirectory(redis, client, clock)


def _element(element_id: str, *, silent_s: float = 1, priority: int = 100) -> ElementView:
    now = datetime.now(UTC)
    return ElementView(
        element_id=element_id,
        url=f"http://{element_id}.test",
        mode=Mode.EDIT,
        epoch=1,
        priority=priority,
        site="default",
        registered_at=now,
        reported_at=now - timedelta(seconds=silent_s),
        report=None,
    )


async def _publish(redis: RedisClient, *elements: ElementView) -> None:
    for element in elements:
        await redis.sadd(REGISTRY_INDEX_KEY, element.element_id)
        await redis.set(REGISTRY_KEY_PREFIX + element.element_id, element.model_dump_json())


def _ids(elements: list[ElementView]) -> list[str]:
    return [element.element_id for element in elements]


async def test_redis_tells_who_is_alive_and_the_admin_module_who_else_there_is(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    admin.show([_element("edit-1"), _element("rw-1", silent_s=600)])
    await _publish(redis, _element("edit-1"))
    await directory.refresh()
    assert (_ids(directory.elements()), _ids(directory.alive())) == (["edit-1", "rw-1"], ["edit-1"])
    assert directory.source is Source.REDIS
    assert directory.find("rw-1")


async def test_lower_priority_is_filled_first(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    elements = [_element("a", priority=2), _element("b", priority=1), _element("c", priority=2)]
    admin.show(elements)
    await _publish(redis, *elements)
    await directory.refresh()
    assert _ids(directory.alive()) == ["b", "a", "c"]


async def test_a_flushed_redis_makes_no_element_disappear(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    admin.show([_element("edit-1"), _element("rw-1")])
    await _publish(redis, *admin.elements.values())
    await directory.refresh()
    await redis.flushdb()
    await directory.refresh()
    assert _ids(directory.alive()) == ["edit-1", "rw-1"]
    assert directory.source is Source.ADMIN
    await _publish(redis, _element("edit-1"))
    await directory.refresh()
    assert _ids(directory.alive()) == ["edit-1", "rw-1"]


async def test_without_both_the_last_known_list_stays(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn, clock: Seconds
) -> None:
    admin.show([_element("edit-1")])
    await _publish(redis, _element("edit-1"))
    await directory.refresh()
    admin.failing = True
    await redis.flushdb()
    clock.now += 30
    await directory.refresh()
    assert (_ids(directory.alive()), directory.source, directory.age_s) == (["edit-1"], Source.REMEMBERED, 30)


async def test_an_element_is_forgotten_when_the_admin_module_no_longer_lists_it(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    admin.show([_element("edit-1"), _element("rw-1")])
    await _publish(redis, *admin.elements.values())
    await directory.refresh()
    admin.show([_element("edit-1")])
    await redis.delete(REGISTRY_KEY_PREFIX + "rw-1")
    await directory.refresh()
    assert _ids(directory.elements()) == ["edit-1"]


async def test_the_admin_module_is_asked_now_and_then_about_silent_elements(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn, clock: Seconds
) -> None:
    admin.show([_element("edit-1"), _element("rw-1", silent_s=600)])
    await _publish(redis, _element("edit-1"))
    for _ in range(5):
        await directory.refresh()
        clock.now += 2
    await directory.refresh()
    assert len([request for request in admin.requests if request.url.path == "/api/v1/elements"]) == 2


async def test_nothing_known_is_an_error_not_an_empty_list(client: AdminClient, admin: AdminStandIn) -> None:
    admin.failing = True
    redis = connect(RedisSettings(url=f"redis://127.0.0.1:{free_port()}", password=None, timeout_s=0.2))
    directory = ElementDirectory(redis, client)
    await directory.refresh()
    with pytest.raises(RegistryUnavailable):
        directory.elements()
    await redis.aclose()


async def test_redis_sends_nobody_to_another_address(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    """Whoever may write there would have the services' tokens sent to them."""
    moved, stranger = (_element(name).model_copy(update={"url": "http://thief.test"}) for name in ("edit-1", "rw-9"))
    admin.show([_element("edit-1")])
    for _ in range(2):
        await _publish(redis, moved, stranger)
        await directory.refresh()
        assert [element.url for element in directory.elements()] == ["http://edit-1.test"]
    admin.failing = True
    await directory.refresh()
    assert [element.url for element in directory.elements()] == ["http://edit-1.test"]


async def test_an_element_that_moved_is_followed_at_once(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    admin.show([_element("edit-1")])
    await _publish(redis, _element("edit-1"))
    await directory.refresh()
    moved, new = _element("edit-1").model_copy(update={"url": "http://elsewhere.test"}), _element("rw-1")
    admin.show([moved, new])
    await _publish(redis, moved, new)
    await directory.refresh()
    assert [element.url for element in directory.alive()] == ["http://elsewhere.test", "http://rw-1.test"]


async def test_what_is_no_element_is_passed_over(
    directory: ElementDirectory, redis: RedisClient, admin: AdminStandIn
) -> None:
    admin.show([_element("edit-1")])
    await _publish(redis, _element("edit-1"))
    await redis.sadd(REGISTRY_INDEX_KEY, "odd")
    await redis.set(REGISTRY_KEY_PREFIX + "odd", "{}")
    await directory.refresh()
    assert _ids(directory.elements()) == ["edit-1"]
