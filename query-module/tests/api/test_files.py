"""Attributes by id: at once, and whatever is down."""

from collections.abc import AsyncIterator

import httpx
import pytest

from artstore_kit.application import Application
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import free_port, open_client
from artstore_kit.testing.databases import settings_for
from artstore_kit.testing.documents import document
from artstore_kit.testing.element import StandInElement, open_element
from query_module.adapters.entries import put_entries
from query_module.config import Settings
from query_module.domain.entry import entry_of
from query_module.main import create_app


@pytest.fixture
async def without_index(
    settings: Settings, element: StandInElement, admin: AdminStandIn
) -> AsyncIterator[httpx.AsyncClient]:
    """A query module whose PostgreSQL is away."""
    away = settings.model_copy(update={"postgres": settings_for(f"postgresql://nobody@127.0.0.1:{free_port()}/none")})
    async with open_client(create_app(away), admin.mint.bearer()) as client:
        yield client


def path_of(file: FileAttributes) -> str:
    return f"/api/v1/files/{file.file_id}"


async def test_a_file_just_acknowledged_is_there_at_once(client: httpx.AsyncClient, element: StandInElement) -> None:
    for number in range(20):
        stored = await element.store(document(f"{number}.txt", later={"unknown": 1.0}), b"")
        answer = await client.get(path_of(stored))
        assert (answer.status_code, answer.content) == (200, stored.to_json())
        assert answer.headers["ETag"] == '"r1"'
        assert answer.headers["Content-Type"] == "application/json"


async def test_what_is_in_the_index_is_answered_though_its_element_is_away(
    client: httpx.AsyncClient, element: StandInElement, index: Database
) -> None:
    file = document("a.txt")
    async with index.transaction() as connection:
        await put_entries(connection, "edit-1", 1, [entry_of(file, 1)])
    await element.stop()
    assert (await client.get(path_of(file))).content == file.to_json()


async def test_without_an_index_the_elements_are_asked(
    without_index: httpx.AsyncClient, element: StandInElement
) -> None:
    stored = await element.store(document("a.txt", content=b"hello"), b"hello")
    assert (await without_index.get(path_of(stored))).content == stored.to_json()
    assert (await without_index.get(f"{path_of(stored)}/content")).content == b"hello"
    assert (await without_index.get(f"/api/v1/files/{new_file_id()}")).json()["code"] == "file_unknown"
    for path in ("/api/v1/search", "/api/v1/search?q=a", "/api/v1/files"):
        answer = await without_index.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "index_unavailable")
    ready = (await without_index.get("/health/ready")).json()
    assert ready["health"] == "degraded"
    assert ready["checks"]["postgres"]["health"] == "degraded"


async def test_no_element_has_it_but_not_every_one_was_asked(
    app: Application, element: StandInElement, admin: AdminStandIn
) -> None:
    stored = await element.store(document("a.txt"), b"")
    silent = element.view().model_copy(update={"element_id": "rw-1", "url": f"http://127.0.0.1:{free_port()}"})
    admin.show([element.view(), silent])
    async with open_client(app, admin.mint.bearer()) as client:
        assert (await client.get(path_of(stored))).status_code == 200
        for suffix in ("", "/content"):
            answer = await client.get(f"/api/v1/files/{new_file_id()}{suffix}")
            assert (answer.status_code, answer.json()["code"]) == (503, "element_unavailable")
            assert "rw-1" in answer.json()["detail"]


async def test_a_slow_element_is_not_waited_for_for_ever(
    without_index: httpx.AsyncClient, element: StandInElement
) -> None:
    stored = await element.store(document("a.txt"), b"")
    element.faults.answer_after_s = 30
    answer = await without_index.get(path_of(stored))
    assert (answer.status_code, answer.json()["code"]) == (503, "element_unavailable")


async def test_the_first_element_that_has_it_answers(
    app: Application, element: StandInElement, admin: AdminStandIn
) -> None:
    async with open_element("rw-1") as other:
        admin.show([element.view(), other.view()])
        stored = await other.store(document("a.txt"), b"")
        element.files[stored.file_id] = other.files[stored.file_id]
        element.faults.answer_after_s = 30
        async with open_client(app, admin.mint.bearer()) as client:
            assert (await client.get(path_of(stored))).content == stored.to_json()


async def test_the_first_list_of_elements_could_not_be_read(
    settings: Settings, element: StandInElement, admin: AdminStandIn
) -> None:
    stored = await element.store(document("a.txt"), b"")
    token = admin.mint.bearer()
    admin.stop()
    async with open_client(create_app(settings), token) as client:
        answer = await client.get(path_of(stored))
        assert answer.status_code == 503
        assert (await client.get("/health/ready")).json()["checks"]["registry"]["health"] == "degraded"


@pytest.mark.parametrize("suffix", ["", "/content"])
async def test_rights(client: httpx.AsyncClient, element: StandInElement, admin: AdminStandIn, suffix: str) -> None:
    stored = await element.store(document("a.txt", collection="hr/2026"), b"")
    for collection, actions, status in (
        ("hr/*", {Action.READ}, 200),
        ("hr", {Action.READ}, 403),
        ("*", {Action.WRITE, Action.DELETE}, 403),
    ):
        grant = Grant(collection=collection, actions=frozenset(actions))
        client.headers["Authorization"] = f"Bearer {admin.mint.mint(grants=[grant])}"
        answer = await client.get(path_of(stored) + suffix)
        assert answer.status_code == status
        assert status == 200 or answer.json()["code"] == "grant_missing"
    client.headers["Authorization"] = f"Bearer {admin.mint.mint(scopes=[Scope.FILES_WRITE])}"
    assert (await client.get(path_of(stored) + suffix)).json()["code"] == "scope_missing"
    del client.headers["Authorization"]
    assert (await client.get(path_of(stored) + suffix)).json()["code"] == "not_authenticated"


async def test_the_element_hears_for_whom_it_is_asked(client: httpx.AsyncClient, element: StandInElement) -> None:
    stored = await element.store(document("a.txt"), b"")
    await client.get(f"{path_of(stored)}/content", headers={"X-Request-ID": "the-request"})
    asked = [seen for seen in element.requests("GET") if seen.path.endswith("/content")]
    assert asked[-1].headers["X-ArtStore-Acting-For"] == "tester"
    assert asked[-1].headers["X-Request-ID"] == "the-request"


async def test_one_token_is_fetched_for_all_that_is_asked(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    await client.get("/health/ready")
    assert {"/api/v1/revocations", "/api/v1/elements"} <= {request.url.path for request in admin.requests}
    assert admin.tokens_given == 1
