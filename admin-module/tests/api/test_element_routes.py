"""`/api/v1/elements`."""

from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from admin_module.config import Settings
from admin_module.main import create_app
from artstore_kit.contracts.elements import ElementView
from artstore_kit.redis import RedisClient
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.application import free_port, open_client

REGISTRATION = {"url": "http://edit-1.test:8010", "mode": "edit", "epoch": 1, "priority": 10, "site": "north"}
REPORT = {
    "mode": "edit",
    "epoch": 1,
    "capacity": {
        "total_bytes": 100,
        "used_bytes": 40,
        "free_bytes": 60,
        "fullness": "ok",
        "growth_bytes_per_s": 0.5,
        "full_in_s": 120.0,
    },
    "files": 2,
    "last_lsn": 12,
    "writable": True,
    "corrupt_contents": 1,
    "state": "ok",
}
type Headers = dict[str, str]


def without(field: str) -> dict[str, object]:
    return {name: value for name, value in REPORT.items() if name != field}


async def test_an_element_registers_reports_and_is_listed(
    client: httpx.AsyncClient, as_element: Headers, redis: RedisClient
) -> None:
    registered = await client.put("/api/v1/elements/edit-1", json=REGISTRATION, headers=as_element)
    assert registered.status_code == 200
    assert registered.json() == REGISTRATION | {
        "element_id": "edit-1",
        "registered_at": registered.json()["registered_at"],
        "reported_at": None,
        "report": None,
    }
    reported = await client.post("/api/v1/elements/edit-1/reports", json=REPORT, headers=as_element)
    assert (reported.status_code, reported.content) == (204, b"")
    one = await client.get("/api/v1/elements/edit-1", headers=as_element)
    assert one.json()["report"] == REPORT
    assert (await client.get("/api/v1/elements", headers=as_element)).json() == {"items": [one.json()]}
    shown = await redis.get("{artstore}:element:edit-1")
    assert ElementView.model_validate_json(shown or "") == ElementView.model_validate(one.json())


async def test_registering_twice_is_no_conflict(client: httpx.AsyncClient, as_element: Headers) -> None:
    for priority in (10, 20):
        told = REGISTRATION | {"priority": priority}
        answer = await client.put("/api/v1/elements/twice", json=told, headers=as_element)
        assert (answer.status_code, answer.json()["priority"]) == (200, priority)


async def test_unknown_elements(client: httpx.AsyncClient, as_element: Headers) -> None:
    for answer in (
        await client.get("/api/v1/elements/nobody", headers=as_element),
        await client.post("/api/v1/elements/nobody/reports", json=REPORT, headers=as_element),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "element_unknown")


@pytest.mark.parametrize("element_id", ["Edit", "-a", "a_b", "a" * 33, "a%00", "1a", "%D1%85"])
async def test_ids_that_are_none(client: httpx.AsyncClient, as_element: Headers, element_id: str) -> None:
    answer = await client.put(f"/api/v1/elements/{element_id}", json=REGISTRATION, headers=as_element)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": ""},
        {"url": "ftp://x"},
        {"url": "http://x\x00"},
        {"url": "http://" + "x" * 600},
        {"mode": "write"},
        {"epoch": -1},
        {"epoch": 2**63},
        {"priority": 2**31},
        {"site": "North"},
        {"secret": "x"},
    ],
)
async def test_registrations_that_are_wrong(
    client: httpx.AsyncClient, as_element: Headers, wrong: dict[str, object]
) -> None:
    answer = await client.put("/api/v1/elements/edit-9", json=REGISTRATION | wrong, headers=as_element)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert (await client.get("/api/v1/elements/edit-9", headers=as_element)).status_code == 404


@pytest.mark.parametrize(
    "report",
    [
        without("mode"),
        without("capacity"),
        REPORT | {"epoch": 2**63},
        REPORT | {"epoch": -1},
        REPORT | {"files": -1},
        REPORT | {"state": "bad\x00"},
        REPORT | {"last_lsn": "x"},
        REPORT | {"capacity": {"total_bytes": -1, "used_bytes": 0, "free_bytes": 0, "fullness": "ok"}},
    ],
)
async def test_reports_that_are_wrong(
    client: httpx.AsyncClient, as_element: Headers, report: dict[str, object]
) -> None:
    await client.put("/api/v1/elements/strict", json=REGISTRATION, headers=as_element)
    answer = await client.post("/api/v1/elements/strict/reports", json=report, headers=as_element)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert (await client.get("/api/v1/elements/strict", headers=as_element)).json()["report"] is None


async def test_who_may_not_write_elements(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    auth = httpx.BasicAuth("query-module", fleet["query-module"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    for refused in (
        await client.put("/api/v1/elements/edit-8", json=REGISTRATION, headers=headers),
        await client.post("/api/v1/elements/edit-8/reports", json=REPORT, headers=headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert (await client.get("/api/v1/elements", headers=headers)).status_code == 200


@pytest.fixture
async def without_redis(other_node: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A second node whose Redis is away."""
    nowhere = RedisSettings(url=f"redis://127.0.0.1:{free_port()}")
    async with open_client(create_app(other_node.model_copy(update={"redis": nowhere}))) as client:
        yield client


async def test_a_missing_redis_fails_nobody(without_redis: httpx.AsyncClient, as_element: Headers) -> None:
    with capture_logs() as logs:
        await without_redis.put("/api/v1/elements/alone", json=REGISTRATION, headers=as_element)
        for _ in range(3):
            answer = await without_redis.post("/api/v1/elements/alone/reports", json=REPORT, headers=as_element)
            assert answer.status_code == 204
    assert [log["event"] for log in logs].count("registry not published") <= 1
    ready = await without_redis.get("/health/ready")
    assert (ready.status_code, ready.json()["health"]) == (200, "degraded")
    assert ready.json()["checks"]["redis"]["health"] == "degraded"
    assert (await without_redis.get("/api/v1/elements/alone", headers=as_element)).json()["report"] == REPORT


async def test_a_restart_after_a_flush_shows_the_living(
    client: httpx.AsyncClient, as_element: Headers, other_node: Settings, redis: RedisClient
) -> None:
    await client.put("/api/v1/elements/lively", json=REGISTRATION, headers=as_element)
    await client.post("/api/v1/elements/lively/reports", json=REPORT, headers=as_element)
    await redis.flushdb()
    async with open_client(create_app(other_node)):
        assert await redis.sismember("{artstore}:elements", "lively")
        assert await redis.get("{artstore}:element:lively")
