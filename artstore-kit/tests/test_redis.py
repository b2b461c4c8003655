"""Redis as one server, behind sentinels and as a cluster: real processes each time."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from artstore_kit.contracts.errors import RedisUnavailable
from artstore_kit.redis import RedisClient, connect, ping, translate_errors
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.application import free_port
from tools.fleet.valkey import find_server

PASSWORD = "a password"

type Start = Callable[..., tuple[int, subprocess.Popen[bytes]]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server with configuration lines; its port and process."""
    with ExitStack() as stack:

        def start(*lines: str, sentinel: bool = False) -> tuple[int, subprocess.Popen[bytes]]:
            port = free_port()
            configuration = tmp_path / f"{port}.conf"
            configuration.write_text("\n".join([f"port {port}", "bind 127.0.0.1", f"dir {tmp_path}", *lines]))
            return port, stack.enter_context(_running(configuration, sentinel))

        yield start


@contextmanager
def _running(configuration: Path, sentinel: bool) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(find_server()), str(configuration), *(["--sentinel"] if sentinel else [])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def _settings(url: str, password: str | None = None) -> RedisSettings:
    return RedisSettings.model_validate({"url": url, "password": password, "timeout_s": 0.5})


async def _answer(port: int, *command: str | int) -> object:
    """One command to one server, as soon as it listens."""
    async with Redis(port=port, decode_responses=True) as server:
        answer: object = await server.execute_command(*command)  # type: ignore[no-untyped-call]
        return answer


async def _until(answers: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await answers():
                return
            await asyncio.sleep(0.1)


async def _write_within(client: RedisClient, seconds: float) -> None:
    async def written() -> bool:
        try:
            with translate_errors():
                return bool(await client.set("{artstore}:key", "value"))
        except RedisUnavailable:
            return False

    await _until(written, seconds)


async def test_one_server(redis: RedisClient) -> None:
    await ping(redis)
    await redis.set("key", "значение")
    assert await redis.get("key") == "значение"


async def test_the_password_of_the_settings_is_used(start: Start) -> None:
    port, _ = start(f'requirepass "{PASSWORD}"')
    client = connect(_settings(f"redis://127.0.0.1:{port}/1", PASSWORD))
    await _write_within(client, 5)
    await client.aclose()
    unknown = connect(_settings(f"redis://127.0.0.1:{port}"))
    with pytest.raises(RedisUnavailable):
        await ping(unknown)
    await unknown.aclose()


async def test_a_server_that_is_gone_is_unavailable_and_its_return_is_noticed(start: Start, tmp_path: Path) -> None:
    port, process = start()
    client = connect(_settings(f"redis://127.0.0.1:{port}"))
    await _write_within(client, 5)
    process.kill()
    process.wait()
    with pytest.raises(RedisUnavailable):
        await ping(client)
    with _running(tmp_path / f"{port}.conf", sentinel=False):
        await _write_within(client, 5)
    await client.aclose()


async def test_a_server_that_is_silent_is_unavailable_in_time() -> None:
    server = await asyncio.start_server(lambda _r, _w: asyncio.sleep(60), "127.0.0.1", 0)
    client = connect(_settings(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    async with asyncio.timeout(3):
        with pytest.raises(RedisUnavailable):
            await ping(client)
    await client.aclose()
    server.close()


async def _start_sentinels(start: Start, master: int) -> list[int]:
    watch = (
        f"sentinel monitor main 127.0.0.1 {master} 2",
        "sentinel down-after-milliseconds main 1000",
        "sentinel failover-timeout main 2000",
    )
    ports = [start(*watch, sentinel=True)[0] for _ in range(3)]

    async def all_see(port: int) -> bool:
        seen = await _answer(port, "SENTINEL", "MASTER", "main")
        return isinstance(seen, dict) and (seen["num-other-sentinels"], seen["num-slaves"]) == ("2", "1")

    for port in ports:
        await _until(lambda port=port: all_see(port))  # type: ignore[misc]
    return ports


async def test_behind_sentinels_writes_go_on_after_the_master_dies(start: Start) -> None:
    port, master = start("repl-diskless-sync-delay 0")
    replica, _ = start(f"replicaof 127.0.0.1 {port}")

    async def linked() -> bool:
        return "'master_link_status': 'up'" in str(await _answer(replica, "INFO", "replication"))

    await _until(linked)
    sentinels = await _start_sentinels(start, port)
    client = connect(_settings(f"sentinel://{','.join(f'127.0.0.1:{each}' for each in sentinels)}/main"))
    await _write_within(client, 5)
    master.kill()
    await _write_within(client, 20)
    assert await _answer(replica, "GET", "{artstore}:key") == "value"
    await client.aclose()


async def test_a_cluster(start: Start) -> None:
    nodes: list[tuple[int, int]] = []
    for _ in range(3):
        bus = free_port()
        port, _ = start("cluster-enabled yes", f"cluster-port {bus}", f"cluster-config-file nodes-{bus}.conf")
        nodes.append((port, bus))
    for (port, _), (first, last) in zip(nodes, [(0, 5460), (5461, 10922), (10923, 16383)], strict=True):
        await _until(lambda port=port: _listening(port))  # type: ignore[misc]
        await _answer(port, "CLUSTER", "ADDSLOTSRANGE", first, last)
        await _answer(nodes[0][0], "CLUSTER", "MEET", "127.0.0.1", port, dict(nodes)[port])

    async def complete() -> bool:
        return "cluster_state:ok" in str(await _answer(nodes[1][0], "CLUSTER", "INFO"))

    await _until(complete)
    client = connect(_settings(f"cluster://127.0.0.1:{nodes[2][0]},127.0.0.1:{nodes[0][0]}"))
    await ping(client)
    for number in range(20):
        await client.set(f"key-{number}", number)
    assert await client.mget(["{artstore}:a", "{artstore}:b"]) == [None, None]
    await client.aclose()


async def _listening(port: int) -> bool:
    try:
        with translate_errors():
            return bool(await _answer(port, "PING"))
    except RedisUnavailable:
        return False
