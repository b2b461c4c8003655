"""Following real elements: they come and go, fail and lose their history, and several nodes follow."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from artstore_kit.application import Application
from artstore_kit.contracts.errors import IndexUnavailable
from artstore_kit.settings import AuditSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import open_client
from artstore_kit.testing.documents import document
from artstore_kit.testing.element import StandInElement, open_element
from artstore_kit.testing.patience import eventually
from query_module.config import Settings
from query_module.main import create_app


async def listed(client: httpx.AsyncClient) -> set[str]:
    answer = (await client.get("/api/v1/files", params={"limit": 1000})).json()
    return {item["content"]["name"] for item in answer["items"]}


async def until_listed(client: httpx.AsyncClient, *names: str, within_s: float = 5) -> None:
    async def all_listed() -> bool:
        return await listed(client) == set(names)

    await eventually(all_listed, within_s)


async def health(client: httpx.AsyncClient) -> dict[str, str]:
    checks: dict[str, str] = (await client.get("/health/ready")).json()["checks"]["followers"]
    return checks


async def test_more_than_a_page_of_changes(client: httpx.AsyncClient, element: StandInElement) -> None:
    for number in range(2300):
        await element.store(document(f"{number}", number=number), b"")

    async def all_found() -> bool:
        return len(await listed_to_the_end(client)) == 2300

    await eventually(all_found, within_s=30)


async def listed_to_the_end(client: httpx.AsyncClient) -> set[str]:
    names: set[str] = set()
    cursor: str | None = None
    while True:
        place = {"cursor": cursor} if cursor else {}
        answer = (await client.get("/api/v1/files", params={"limit": "1000", **place})).json()
        names |= {item["content"]["name"] for item in answer["items"]}
        cursor = answer["next_cursor"]
        if cursor is None:
            return names


async def test_an_element_that_lost_its_history(
    client: httpx.AsyncClient, element: StandInElement, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who polls a feed that has begun anew at a position beyond its end hears of it when his waiting time is over.
    monkeypatch.setattr("query_module.services.follow.POLL_WAIT_S", 0.5)
    kept, lost = document("kept"), document("lost")
    for file in (kept, lost):
        await element.store(file, b"")
    await until_listed(client, "kept", "lost")
    await element.stop()
    del element.files[lost.file_id]
    element._changes.clear()
    element.lsn, element.generation = 0, "another"
    await element.store(kept, b"")
    await element.store(document("new"), b"")
    await element.start()
    await until_listed(client, "kept", "new", within_s=15)


async def test_an_element_that_goes_and_comes_back(client: httpx.AsyncClient, element: StandInElement) -> None:
    await element.store(document("before"), b"")
    await until_listed(client, "before")
    await element.stop()

    async def degraded() -> bool:
        return (await health(client))["health"] == "degraded"

    await eventually(degraded)
    assert "edit-1" in (await health(client))["detail"]
    assert (await client.get("/health/ready")).status_code == 200
    assert await listed(client) == {"before"}
    await element.start()
    await element.store(document("after"), b"")
    await until_listed(client, "before", "after", within_s=15)
    assert (await health(client))["health"] == "ok"


async def test_an_element_whose_index_is_being_rebuilt(
    client: httpx.AsyncClient, element: StandInElement, monkeypatch: pytest.MonkeyPatch
) -> None:
    await element.store(document("before"), b"")
    await until_listed(client, "before")

    async def refuse(*_: object) -> None:
        raise IndexUnavailable

    await element.stop()
    monkeypatch.setattr(element, "changes", refuse)
    await element.store(document("meanwhile"), b"")
    await element.start()

    async def degraded() -> bool:
        return "index_unavailable" in (await health(client))["detail"]

    await eventually(degraded)
    assert await listed(client) == {"before"}
    monkeypatch.undo()
    await until_listed(client, "before", "meanwhile", within_s=20)


@asynccontextmanager
async def two_nodes(
    settings: Settings, spool: AuditSettings, admin: AdminStandIn
) -> AsyncIterator[tuple[AsyncExitStack, httpx.AsyncClient, httpx.AsyncClient]]:
    """Two query modules on one index, the second with this spool; closing the stack stops the first."""
    async with AsyncExitStack() as both:
        first = await both.enter_async_context(AsyncExitStack())
        one = await first.enter_async_context(open_client(create_app(settings), admin.mint.bearer()))
        other = settings.model_copy(update={"audit": spool})
        two = await both.enter_async_context(open_client(create_app(other), admin.mint.bearer()))
        yield first, one, two


async def test_one_node_follows_and_another_takes_over(
    settings: Settings, new_spool: Callable[[], AuditSettings], element: StandInElement, admin: AdminStandIn
) -> None:
    async with two_nodes(settings, new_spool(), admin) as (first, one, two):
        await element.store(document("a"), b"")
        await until_listed(one, "a")
        await until_listed(two, "a")
        assert (await health(two))["health"] == "ok"
        assert len([seen for seen in element.requests("GET") if seen.path == "/api/v1/changes"]) < 8
        await first.aclose()
        await element.store(document("b"), b"")
        await until_listed(two, "a", "b", within_s=8)


async def test_elements_come_and_go(app: Application, element: StandInElement, admin: AdminStandIn) -> None:
    await element.store(document("first"), b"")
    async with open_element("rw-1") as other, open_client(app, admin.mint.bearer()) as client:
        await other.store(document("second"), b"")
        await until_listed(client, "first")
        admin.show([element.view(), other.view()])
        await until_listed(client, "first", "second", within_s=30)
        admin.show([element.view()])

        async def forgotten() -> bool:
            return 'artstore_follow_claimed{element="rw-1"}' not in (await client.get("/metrics")).text

        await eventually(forgotten, within_s=30)
        assert await listed(client) == {"first", "second"}


async def test_metrics(client: httpx.AsyncClient, element: StandInElement) -> None:
    await element.store(document("a"), b"")
    await until_listed(client, "a")

    async def shown() -> bool:
        text = (await client.get("/metrics")).text
        return all(
            line in text
            for line in (
                'artstore_follow_claimed{element="edit-1"} 1.0',
                'artstore_follow_lag_seconds{element="edit-1"} 0.0',
                'artstore_follow_lag_lsn{element="edit-1"} 0.0',
            )
        )

    await eventually(shown)
