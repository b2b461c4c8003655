"""The registry in a real Redis, and what happens without one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from admin_module.adapters.registry import Registry
from artstore_kit.contracts.elements import ElementView
from artstore_kit.contracts.modes import Mode
from artstore_kit.redis import RedisClient, connect
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.application import free_port

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def element(element_id: str, *, reported_s_ago: float | None = None) -> ElementView:
    return ElementView(
        element_id=element_id,
        url="http://edit-1.test:8010",
        mode=Mode.EDIT,
        epoch=1,
        priority=100,
        site="default",
        registered_at=NOW,
        reported_at=None if reported_s_ago is None else NOW - timedelta(seconds=reported_s_ago),
        report=None,
    )


@pytest.fixture
async def unreachable() -> AsyncIterator[RedisClient]:
    client = connect(RedisSettings(url=f"redis://127.0.0.1:{free_port()}"))
    yield client
    await client.aclose()


def writes(outcome: str) -> float:
    return REGISTRY.get_sample_value("artstore_admin_registry_writes_total", {"outcome": outcome}) or 0


async def test_an_element_is_shown_for_15_seconds(redis: RedisClient) -> None:
    await Registry(redis).publish(element("edit-1"))
    assert ElementView.model_validate_json(await redis.get("{artstore}:element:edit-1") or "") == element("edit-1")
    assert 14_000 < await redis.pttl("{artstore}:element:edit-1") <= 15_000
    assert await redis.smembers("{artstore}:elements") == {"edit-1"}


async def test_an_older_report_is_shown_for_what_is_left(redis: RedisClient) -> None:
    elements = [element("fresh", reported_s_ago=5), element("old", reported_s_ago=15), element("silent")]
    await Registry(redis).publish_again(elements, NOW)
    assert 9_000 < await redis.pttl("{artstore}:element:fresh") <= 10_000
    assert await redis.smembers("{artstore}:elements") == {"fresh"}


async def test_nothing_to_show_is_no_failure(redis: RedisClient) -> None:
    await Registry(redis).publish_again([], NOW)
    assert await redis.dbsize() == 0


async def test_a_failing_redis_is_counted_each_time_and_logged_once(unreachable: RedisClient) -> None:
    registry, before = Registry(unreachable), writes("failed")
    with capture_logs() as logs:
        for _ in range(3):
            await registry.publish(element("edit-1"))
    assert writes("failed") == before + 3
    assert [log["event"] for log in logs] == ["registry not published"]


async def test_the_end_of_an_outage_is_logged_and_the_next_one_too(
    redis: RedisClient, unreachable: RedisClient
) -> None:
    registry = Registry(unreachable)
    with capture_logs() as logs:
        for client in (unreachable, redis, redis, unreachable):
            registry._redis = client
            await registry.publish(element("edit-1"))
    failed, ended = "registry not published", "registry published again"
    assert [log["event"] for log in logs] == [failed, ended, failed]
