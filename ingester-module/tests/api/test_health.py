"""Readiness, metrics and the described API."""

from collections.abc import Awaitable, Callable

import httpx

from artstore_kit.settings import RedisSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import free_port
from artstore_kit.testing.element import StandInElement
from ingester_module.__main__ import example
from ingester_module.main import create_app

type Start = Callable[..., Awaitable[httpx.AsyncClient]]


async def ready(client: httpx.AsyncClient) -> tuple[int, str, dict[str, str]]:
    answer = await client.get("/health/ready")
    checks = {name: check["health"] for name, check in answer.json()["checks"].items()}
    return answer.status_code, answer.json()["health"], checks


async def test_all_is_well(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).status_code == 200
    assert await ready(client) == (
        200,
        "ok",
        {"elements": "ok", "redis": "ok", "account": "ok", "revocations": "ok", "audit": "ok"},
    )


async def test_a_kind_of_file_without_an_element_is_degraded(start: Start, edit: StandInElement) -> None:
    client = await start(edit)
    assert (await ready(client))[1:] == (
        "degraded",
        {"elements": "degraded", "redis": "ok", "account": "ok", "revocations": "ok", "audit": "ok"},
    )
    assert "rw" in (await client.get("/health/ready")).json()["checks"]["elements"]["detail"]


async def test_without_redis_it_is_degraded(start: Start, edit: StandInElement, rw: StandInElement) -> None:
    nowhere = RedisSettings(url=f"redis://127.0.0.1:{free_port()}", password=None, timeout_s=0.2)
    client = await start(edit, rw, redis=nowhere)
    assert await ready(client) == (
        200,
        "degraded",
        {"elements": "ok", "redis": "degraded", "account": "ok", "revocations": "ok", "audit": "ok"},
    )


async def test_without_a_list_of_elements_it_takes_nothing(start: Start, admin: AdminStandIn) -> None:
    nowhere = RedisSettings(url=f"redis://127.0.0.1:{free_port()}", password=None, timeout_s=0.2)
    admin.stop()
    client = await start(redis=nowhere)
    assert await ready(client) == (
        503,
        "fail",
        {**dict.fromkeys(("redis", "account", "revocations"), "degraded"), "elements": "fail", "audit": "ok"},
    )


async def test_files_are_counted_by_element(client: httpx.AsyncClient) -> None:
    await client.post("/api/v1/files", params={"name": "a"}, content=b"12345")
    metrics = (await client.get("/metrics")).text
    assert 'artstore_ingester_files_stored_total{element="edit-1"}' in metrics
    assert 'artstore_http_requests_total{method="POST",route="/api/v1/files",status="201"}' in metrics


def test_every_route_is_described() -> None:
    paths = create_app(example()).openapi()["paths"]
    assert {(path, method) for path, operations in paths.items() for method in operations} == {
        ("/api/v1/files", "post"),
        ("/api/v1/files/{file_id}", "patch"),
        ("/api/v1/files/{file_id}", "delete"),
        ("/api/v1/files/{file_id}/holds/{hold_id}", "put"),
        ("/api/v1/files/{file_id}/holds/{hold_id}", "delete"),
        ("/health/live", "get"),
        ("/health/ready", "get"),
        ("/metrics", "get"),
    }


async def test_one_token_is_fetched_for_all_that_it_asks(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    await client.get("/health/ready")
    assert {"/api/v1/revocations", "/api/v1/elements"} <= {request.url.path for request in admin.requests}
    assert admin.tokens_given == 1
