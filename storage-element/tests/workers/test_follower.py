"""Two nodes in one process: what the one that follows serves, knows and leaves alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from nodes import PUT
from running_element import Element, ElementAt, code
from s3_servers import settings_of

from artstore_kit.contracts.elements import ElementState, Role
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.patience import eventually
from storage_element.adapters.local.marks import LocalMarks
from storage_element.config import NodeSettings, ScrubSettings
from storage_element.services.election import Election

LEASE_S = 0.5
WORKERS = ("placing", "commit", "index", "checkpoint", "uploads", "report", "capacity", "expiry", "reconcile", "scrub")
JSON = {"Content-Type": "application/json"}
FAST = ScrubSettings(enabled=False, mib_per_s=10_000)

type Node = Callable[[str], AbstractAsyncContextManager[Element]]


@pytest.fixture(params=["directory", "bucket"])
def node(element_at: ElementAt, root: Path, request: pytest.FixtureRequest) -> Node:
    """Runs a node of this name; all are of one element."""
    place: dict[str, Any] = {}
    if request.param == "bucket":
        place = {"s3": settings_of(request.getfixturevalue("moto_url"), uuid4().hex)}
    return lambda name: element_at(root, node=NodeSettings(id=name, lease_s=LEASE_S), scrub=FAST, **place)


@pytest.fixture
def in_a_directory(element_at: ElementAt, root: Path) -> Node:
    """Likewise."""
    return lambda name: element_at(root, node=NodeSettings(id=name, lease_s=LEASE_S), scrub=FAST)


@pytest.fixture
def _quickly_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage_element.factory.node.QUARANTINE_EVERY_S", 0.1)


async def state(element: Element) -> ElementState:
    answer = await element.http.get("/api/v1/element")
    assert answer.status_code == 200, answer.text
    return ElementState.model_validate_json(answer.content)


async def is_master(element: Element) -> Element:
    async def leads() -> bool:
        return (await state(element)).role is Role.MASTER

    await eventually(leads, within_s=10)
    return element


async def knows_the_master(element: Element) -> Element:
    async def told() -> bool:
        return (await state(element)).master_url is not None

    await eventually(told, within_s=10)
    return element


@asynccontextmanager
async def pair(node: Node) -> AsyncIterator[tuple[Element, Element]]:
    """The master, and one who follows."""
    async with node("a") as a:
        await is_master(a)
        async with node("b") as b:
            yield a, await knows_the_master(b)


async def checks(element: Element) -> dict[str, str]:
    ready = (await element.http.get("/health/ready")).json()
    return {name: check["health"] for name, check in ready["checks"].items()}


async def all_well(master: Element, follower: Element) -> bool:
    well = dict.fromkeys(("master", "storage", "store", "postgres", "revocations", "audit"), "ok")
    return (await checks(master))["store"] == "ok" and await checks(follower) == well


async def test_a_follower_tells_what_it_knows_itself(node: Node) -> None:
    async with pair(node) as (a, b):
        file = await a.put(b"content")
        master, follower = await state(a), await state(b)
        assert (master.role, master.node_id, master.last_lsn, master.writable) == (Role.MASTER, "a", 1, True)
        assert follower == ElementState(
            role=Role.FOLLOWER,
            node_id="b",
            master_url=master.master_url,
            mode=master.mode,
            epoch=master.epoch,
            writable=False,
        )
        assert (await b.content(file.file_id)).content == b"content"
        await eventually(lambda: all_well(a, b), within_s=10)


async def test_whatever_a_follower_cannot_do_is_sent_to_the_master(in_a_directory: Node) -> None:
    async with pair(in_a_directory) as (a, b):
        file = await a.put(b"x")
        there = (await state(a)).master_url
        for method, path in (
            ("PUT", f"/api/v1/files/{file.file_id}?a=b%20c"),
            ("PUT", f"/api/v1/files/{file.file_id}/content"),
            ("PUT", "/api/v1/files"),
            ("PATCH", f"/api/v1/files/{file.file_id}"),
            ("DELETE", f"/api/v1/files/{file.file_id}"),
            ("GET", f"/api/v1/uploads/{new_file_id()}"),
            ("GET", "/api/v1/element/scrub"),
            ("POST", "/api/v1/element/scrub/start"),
        ):
            body = b'{"tags": []}' if method == "PATCH" else bytes(300_000) if method == "PUT" else b""
            answer = await b.http.request(method, path, content=body, headers=PUT | JSON)
            assert code(answer) == (307, "master_elsewhere"), (method, path)
            assert answer.headers["Location"] == f"{there}{path}"
        assert (await b.content(file.file_id)).content == b"x"


async def test_a_follower_cares_for_nothing(in_a_directory: Node) -> None:
    async with in_a_directory("a") as a:
        await is_master(a)
        alone = [task.get_name() for task in asyncio.all_tasks()]
        async with in_a_directory("b") as b:
            await knows_the_master(b)
            both = [task.get_name() for task in asyncio.all_tasks()]
    assert [alone.count(name) for name in WORKERS] == [both.count(name) for name in WORKERS] == [1] * len(WORKERS)


@pytest.mark.usefixtures("_quickly_told")
async def test_what_the_master_finds_damaged_its_followers_and_successors_know(in_a_directory: Node) -> None:
    async with AsyncExitStack() as stack:
        a = await stack.enter_async_context(in_a_directory("a"))
        await is_master(a)
        async with in_a_directory("b") as b:
            file = await a.put(b"content")
            a.content_path(file).write_bytes(b"c0ntent")
            assert (await a.http.post("/api/v1/element/scrub/start")).status_code == 202

            async def told() -> bool:
                return (await b.content(file.file_id)).status_code == 410

            await eventually(told, within_s=5)
            await stack.aclose()
            found = await state(await is_master(b))
            assert (found.state, found.corrupt_contents) == ("content_corrupt", 1)
            assert code(await b.content(file.file_id)) == (410, "content_corrupt")


async def hangs(*_: object) -> None:
    await asyncio.sleep(3600)


async def test_a_storage_that_hangs_is_told_by_every_node(
    in_a_directory: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(in_a_directory) as (a, b):

        async def are(health: str) -> bool:
            return {(await checks(each))["store"] for each in (a, b)} == {health}

        await eventually(lambda: are("ok"), within_s=5)
        with monkeypatch.context() as patch:
            patch.setattr(LocalMarks, "write", hangs)
            patch.setattr(LocalMarks, "look", hangs)
            await eventually(lambda: are("degraded"), within_s=5)
            assert (await state(b)).state == "storage_unavailable"
        await eventually(lambda: are("ok"), within_s=5)
        assert (await state(a)).role is Role.MASTER


async def test_a_node_outlives_whatever_its_turn_raises(in_a_directory: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[str] = []

    async def broken(*_: object) -> None:
        raised.append("once")
        monkeypatch.undo()
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setattr(Election, "follow", broken)
    async with in_a_directory("a") as a:
        await is_master(a)
    assert raised == ["once"]
