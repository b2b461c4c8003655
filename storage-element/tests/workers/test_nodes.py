"""Several nodes on one element: one writes, all read, and whatever becomes of one or of Redis, the others go on."""

import asyncio
import hashlib
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from nodes import LEASE_S, PUT, WRITES_GO_ON_WITHIN_S, Callers, Nodes, running_nodes
from running_element import ELEMENT_ID, SettingsAt, code
from sentinels import running_sentinels
from tcp_gate import TcpGate, tcp_gate

from artstore_kit.contracts.errors import NoMaster
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.redis import RedisClient
from artstore_kit.settings import PostgresSettings, RedisSettings
from storage_element.domain import layout

FAILS_AFTER_BYTES = 2**19
"""More than what the nodes log in a test, less than a segment."""


@pytest.fixture
async def nodes(
    settings_at: SettingsAt, postgres: PostgresSettings, root: Path, tmp_path: Path
) -> AsyncIterator[Nodes]:
    """Two nodes without Redis."""
    async with running_nodes(settings_at(root), tmp_path, "ab", {}) as nodes:
        yield nodes


@pytest.fixture
async def gate(redis_settings: RedisSettings) -> AsyncIterator[TcpGate]:
    """Before the Redis of the tests."""
    async with tcp_gate(urlsplit(redis_settings.url).port or 6379) as gate:
        yield gate


@pytest.fixture
async def with_redis(
    settings_at: SettingsAt,
    postgres: PostgresSettings,
    root: Path,
    tmp_path: Path,
    redis_settings: RedisSettings,
    gate: TcpGate,
) -> AsyncIterator[Nodes]:
    """Three nodes with a Redis behind a gate."""
    url = urlsplit(redis_settings.url)
    password, address = url.netloc.rpartition("@")[0], f"127.0.0.1:{gate.port}"
    changes = {
        "ARTSTORE_NODE__REDIS_URL": url._replace(netloc=f"{password}@{address}" if password else address).geturl()
    }
    async with running_nodes(settings_at(root), tmp_path, "abc", changes) as nodes:
        yield nodes


def check(callers: Callers) -> None:
    root = callers.nodes.root
    callers.check(lambda file_id: hashlib.sha256((root / layout.content_path(file_id, 1)).read_bytes()).hexdigest())


def client(bearer: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(headers=bearer, trust_env=False, timeout=30)


async def test_the_death_of_a_master_costs_seconds(nodes: Nodes, bearer: dict[str, str]) -> None:
    async with Callers(nodes, bearer).calling() as callers:
        await callers.go_on()
        nodes.kill(first := await nodes.master())
        assert await callers.go_on() < WRITES_GO_ON_WITHIN_S
        assert await nodes.master() != first
    check(callers)


async def test_a_master_that_stops_in_order_lets_another_take_over_at_once(
    nodes: Nodes, bearer: dict[str, str], tmp_path: Path
) -> None:
    async with Callers(nodes, bearer).calling() as callers:
        await callers.go_on()
        callers.paused.add(first := await nodes.master())
        nodes.signal(first, signal.SIGTERM)
        assert await nodes.processes.pop(first).ended() in {0, -signal.SIGTERM}
        second = await nodes.master(other_than=first, within_s=2 * LEASE_S)
        await callers.go_on()
    assert '"replayed":0' in (tmp_path / f"log-{second}").read_text()
    check(callers)


async def test_a_master_that_was_stopped_past_its_lease_is_refused_and_follows(
    nodes: Nodes, bearer: dict[str, str]
) -> None:
    async with Callers(nodes, bearer).calling() as callers, client(bearer) as http:
        await callers.go_on()
        first = await nodes.master()
        callers.paused.add(first)
        nodes.signal(first, signal.SIGSTOP)
        late = asyncio.ensure_future(http.put(path_at(nodes, first, new_file_id()), content=b"late", headers=PUT))
        await nodes.master(other_than=first)
        await callers.go_on()
        nodes.signal(first, signal.SIGCONT)
        assert (await late).status_code in {307, 503}
        async with asyncio.timeout(WRITES_GO_ON_WITHIN_S):
            await sends_on(nodes, http, first)
        callers.paused.discard(first)
        await callers.go_on()
    check(callers)


async def test_a_master_whose_disk_fails_hands_the_element_over(
    nodes: Nodes, bearer: dict[str, str], root: Path
) -> None:
    """No file of this process may grow beyond a size any more: its journal fails, and the small marks do not."""
    async with Callers(nodes, bearer).calling() as callers, client(bearer) as http:
        await callers.go_on()
        first = await nodes.master()
        resource.prlimit(nodes.processes[first].popen.pid, resource.RLIMIT_FSIZE, (FAILS_AFTER_BYTES,) * 2)
        answers: list[tuple[UUID, httpx.Response]] = []
        while not answers or answers[-1][1].status_code == 201:
            answers.append((file_id := new_file_id(), await put_once(http, path_at(nodes, first, file_id))))
        assert code(answers[-1][1]) == (503, "storage_fault")
        second = await nodes.master(other_than=first)
        assert await callers.go_on() < WRITES_GO_ON_WITHIN_S
        await sends_on(nodes, http, first)
        ready = (await http.get(f"{nodes.processes[first].url}/health/ready")).json()
        assert ready["checks"]["storage"]["health"] == "degraded"
        for file_id, answer in answers:
            found = await http.get(path_at(nodes, second, file_id))
            assert found.status_code == 200 if answer.status_code == 201 else found.status_code in {200, 404}
    check(callers)


async def put_once(http: httpx.AsyncClient, url: str) -> httpx.Response:
    return await http.put(url, content=bytes(60_000), headers=PUT)


def path_at(nodes: Nodes, name: str, file_id: UUID) -> str:
    return f"{nodes.processes[name].url}/api/v1/files/{file_id}"


async def sends_on(nodes: Nodes, http: httpx.AsyncClient, follower: str) -> None:
    """It is a follower: it names the master, and shows what that one has changed."""
    master = await nodes.master()
    while (
        answer := await http.put(path_at(nodes, follower, file_id := new_file_id()), headers=PUT)
    ).status_code != 307:
        assert code(answer) == (503, NoMaster.code)
        await asyncio.sleep(0.1)
    assert answer.headers["Location"] == path_at(nodes, master, file_id)
    assert (await http.put(answer.headers["Location"], content=b"x", headers=PUT)).status_code == 201
    for revision in (2, 3):
        changed = await http.patch(path_at(nodes, master, file_id), json={"tags": [str(revision)]})
        assert changed.status_code == 200
        assert (await http.get(path_at(nodes, follower, file_id))).json() == changed.json()


async def test_whatever_becomes_of_redis_there_is_one_master_and_writes_go_on(
    with_redis: Nodes, bearer: dict[str, str], gate: TcpGate, redis: RedisClient
) -> None:
    """Emptied, dead, unreachable, telling of a master of long ago: the storage judges."""
    nodes = with_redis
    async with Callers(nodes, bearer).calling() as callers:
        await callers.go_on()
        first = await nodes.master()
        epoch = mark_epoch(nodes)
        for trouble in (redis.flushdb, gate.close, gate.silence):
            await trouble()
            await asyncio.sleep(LEASE_S)
            await callers.go_on()
            assert (await nodes.master(), mark_epoch(nodes)) == (first, epoch), trouble
        nodes.kill(first)
        await callers.go_on()
        second = await nodes.master(other_than=first)
        await gate.open()
        await redis.set(f"{{artstore}}:master:{ELEMENT_ID}", "somebody of long ago")
        await asyncio.sleep(LEASE_S)
        assert await nodes.master() == second
        nodes.kill(second)
        await callers.go_on()
    check(callers)


async def test_a_failover_of_redis_changes_no_master_and_one_in_it_costs_seconds(
    settings_at: SettingsAt, postgres: PostgresSettings, root: Path, tmp_path: Path, bearer: dict[str, str]
) -> None:
    async with running_sentinels(tmp_path) as sentinels:
        changes = {"ARTSTORE_NODE__REDIS_URL": sentinels.url}
        async with running_nodes(settings_at(root), tmp_path, "ab", changes) as nodes:
            async with Callers(nodes, bearer).calling() as callers:
                first, epoch = await nodes.master(), mark_epoch(nodes)
                sentinels.kill_master()
                await callers.go_on()
                await asyncio.sleep(2 * LEASE_S)
                assert (await nodes.master(), mark_epoch(nodes)) == (first, epoch)
                nodes.kill(first)
                await callers.go_on()
            check(callers)


def mark_epoch(nodes: Nodes) -> int:
    mark = nodes.mark()
    assert mark is not None
    return mark.epoch
