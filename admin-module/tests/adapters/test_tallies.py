"""Tallies: one promise in Redis and in memory, and what becomes of them when Redis is lost."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from admin_module.adapters.tallies import (
    PAUSE_AFTER_FAILURE_S,
    REMEMBERED,
    SharedTallies,
    TalliesInMemory,
    TalliesInRedis,
)
from admin_module.domain.limits import Step, Tallies
from artstore_kit.contracts.errors import RedisUnavailable
from artstore_kit.redis import RedisClient, connect
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.application import free_port
from artstore_kit.testing.patience import eventually
from tools.fleet.valkey import find_server

ONE = Step("one", 1, 60)
LOOK = Step("one", 0, 60)


@pytest.fixture(params=["redis", "memory"])
def tallies(request: pytest.FixtureRequest, redis: RedisClient) -> Tallies:
    """Each side of the seam."""
    return TalliesInRedis(redis) if request.param == "redis" else TalliesInMemory()


@pytest.fixture
def nowhere() -> RedisClient:
    """A Redis that is away."""
    return connect(RedisSettings(url=f"redis://127.0.0.1:{free_port()}", timeout_s=0.2))


class Watch:
    """A monotonic clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def counts(tallies: Tallies, *steps: Step) -> list[int]:
    return [tally.count for tally in await tallies.count(steps)]


async def test_counting_and_looking(tallies: Tallies) -> None:
    assert await counts(tallies, LOOK, ONE, ONE, LOOK, Step("two", 3, 60)) == [0, 1, 2, 2, 3]


async def test_a_tally_ends_after_its_first_count(tallies: Tallies) -> None:
    short = Step("short", 1, 1)
    assert await counts(tallies, short) == [1]
    await asyncio.sleep(0.7)
    (again,) = await tallies.count([short])
    assert again.count == 2
    assert 0 < again.left_s <= 0.4
    await asyncio.sleep(0.4)
    assert await counts(tallies, short) == [1]


async def test_a_renewed_tally_ends_after_its_last_count(tallies: Tallies) -> None:
    short = Step("short", 1, 1, renews=True)
    await tallies.count([short])
    await asyncio.sleep(0.7)
    (again,) = await tallies.count([short])
    assert again.count == 2
    assert 0.8 < again.left_s <= 1
    (seen,) = await tallies.count([Step("short", 0, 1, renews=True)])
    assert seen.left_s <= again.left_s


async def test_all_who_count_at_once_are_counted(tallies: Tallies) -> None:
    found = await asyncio.gather(*(counts(tallies, ONE) for _ in range(50)))
    assert sorted(each for (each,) in found) == list(range(1, 51))


async def test_no_key_is_left_for_ever(redis: RedisClient) -> None:
    await TalliesInRedis(redis).count([ONE, LOOK, Step("two", 0, 60)])
    keys = [key async for key in redis.scan_iter()]
    assert [key for key in keys if "one" in key] == keys
    assert [0 < await redis.ttl(key) <= 60 for key in keys] == [True]


async def test_two_nodes_count_together(redis: RedisClient) -> None:
    first, second = (SharedTallies(TalliesInRedis(redis), TalliesInMemory()) for _ in range(2))
    for number in range(1, 6, 2):
        assert await counts(first, ONE) == [number]
        assert await counts(second, ONE) == [number + 1]
    assert [tally.count for tally in second.known_here([LOOK])] == [6]


async def test_a_redis_that_forgets_does_not_make_a_node_forget(redis: RedisClient) -> None:
    tallies = SharedTallies(TalliesInRedis(redis), TalliesInMemory())
    assert [await counts(tallies, ONE) for _ in range(2)] == [[1], [2]]
    await redis.flushdb()
    assert await counts(tallies, LOOK) == [2]
    assert await counts(tallies, ONE) == [3]


async def test_a_redis_that_has_lost_the_script_is_given_it_again(redis: RedisClient) -> None:
    tallies = TalliesInRedis(redis)
    assert await counts(tallies, ONE) == [1]
    await redis.script_flush()
    assert await counts(tallies, ONE) == [2]


async def test_without_redis_the_node_counts(nowhere: RedisClient) -> None:
    with pytest.raises(RedisUnavailable):
        await TalliesInRedis(nowhere).count([ONE])
    tallies = SharedTallies(TalliesInRedis(nowhere), TalliesInMemory())
    with capture_logs() as logs:
        assert [await counts(tallies, ONE) for _ in range(3)] == [[1], [2], [3]]
    assert [log["event"] for log in logs] == ["limits counted in memory"]


@contextmanager
def _silent() -> Iterator[str]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_silent_redis_is_left_alone_for_a_while() -> None:
    watch = Watch()
    with _silent() as url:
        client = connect(RedisSettings(url=url, timeout_s=0.2))
        tallies = SharedTallies(TalliesInRedis(client), TalliesInMemory(watch))
        assert await counts(tallies, ONE) == [1]
        async with asyncio.timeout(0.1):  # without asking it again
            assert await counts(tallies, *[ONE] * 20) == list(range(2, 22))
        await client.aclose()


async def test_its_return_is_noticed(redis: RedisClient, nowhere: RedisClient) -> None:
    watch = Watch()
    side = TalliesInRedis(nowhere)
    tallies = SharedTallies(side, TalliesInMemory(watch))
    await tallies.count([ONE])
    side._script = redis.register_script(side._script.script)
    watch.now += PAUSE_AFTER_FAILURE_S
    with capture_logs() as logs:
        assert await counts(tallies, ONE) == [2]
        assert await counts(tallies, ONE) == [3]
    assert [log["event"] for log in logs] == ["limits counted in redis again"]
    assert await counts(TalliesInRedis(redis), LOOK) == [2]


@pytest.fixture
def cluster_port(tmp_path: Path) -> Iterator[int]:
    """A server in cluster mode."""
    port, bus = free_port(), free_port()
    lines = [f"port {port}", f"cluster-port {bus}", "bind 127.0.0.1", f"dir {tmp_path}", "cluster-enabled yes"]
    (tmp_path / "cluster.conf").write_text("\n".join(lines))
    command = [str(find_server()), str(tmp_path / "cluster.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield port
        process.kill()


@pytest.fixture
async def cluster(cluster_port: int) -> AsyncIterator[RedisClient]:
    """A Redis Cluster of one node, which refuses what no cluster can do."""

    async def serves(*command: str | int) -> bool:
        try:
            async with Redis(port=cluster_port, decode_responses=True) as node:
                answer = await node.execute_command(*command)  # type: ignore[no-untyped-call]
                return command[-1] != "INFO" or "cluster_state:ok" in str(answer)
        except RedisConnectionError:
            return False

    await eventually(lambda: serves("CLUSTER", "ADDSLOTSRANGE", 0, 16383))
    await eventually(lambda: serves("CLUSTER", "INFO"), 15)
    client = connect(RedisSettings(url=f"cluster://127.0.0.1:{cluster_port}"))
    yield client
    await client.aclose()


async def test_a_cluster_counts_too(cluster: RedisClient) -> None:
    """What one script counts lies in one slot."""
    tallies = TalliesInRedis(cluster)
    steps = [ONE, Step("two", 1, 60), Step("three", 1, 60)]
    assert [await counts(tallies, *steps) for _ in range(2)] == [[1, 1, 1], [2, 2, 2]]


def test_memory_is_bounded() -> None:
    memory = TalliesInMemory()
    for number in range(REMEMBERED + 10):
        memory.count_now([Step(str(number), 1, 60)])
    first, last = memory.count_now([Step("0", 0, 60), Step(str(REMEMBERED + 9), 0, 60)])
    assert (first.count, last.count) == (0, 1)
