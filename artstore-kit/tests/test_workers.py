"""Loops that outlive failures, and the order of starting and stopping."""

import asyncio

import pytest
from structlog.testing import capture_logs

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.workers import Background, run_forever


class Work:
    """Fails as often as it is told, then says when it has succeeded."""

    def __init__(self, failure: Exception, times: int) -> None:
        self.failures = [failure] * times
        self.calls = 0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop()
        self.done.set()


@pytest.mark.parametrize("failure", [DatabaseUnavailable(), ZeroDivisionError()])
async def test_a_worker_outlives_its_failures(failure: Exception) -> None:
    work = Work(failure, 2)
    with capture_logs() as logs:
        async with Background() as background, asyncio.timeout(5):
            await background.start("work", run_forever("work", 0.01, work))
            await work.done.wait()
    assert work.calls == 3
    assert [entry["event"] for entry in logs][-1] == "worker recovered"


async def test_tasks_end_in_the_reverse_order_of_their_start() -> None:
    ended: list[str] = []

    async def until_cancelled(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def close() -> None:
        ended.append("closed")

    async with Background() as background:
        background.at_end(close)
        await background.start("first", until_cancelled("first"))
        await background.start("second", until_cancelled("second"))
        await asyncio.sleep(0)
    assert ended == ["second", "first", "closed"]


async def test_a_task_that_dies_is_noticed_at_once() -> None:
    async def die() -> None:
        raise ZeroDivisionError

    with capture_logs() as logs:
        async with Background() as background:
            await background.start("mortal", die())
            await asyncio.sleep(0.01)
            assert [entry["event"] for entry in logs] == ["background task failed"]
