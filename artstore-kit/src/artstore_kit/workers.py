"""Work beside requests: loops that outlive every failure, started in order and stopped in reverse."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import NoReturn, Self

from prometheus_client import Counter, Gauge

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.logs import event_logger

LONGEST_PAUSE_S = 30.0

RUNS = Counter("artstore_worker_runs_total", "Rounds of background workers", ["worker", "outcome"])
LAST_SUCCESS = Gauge("artstore_worker_last_success_timestamp_seconds", "When the worker last succeeded", ["worker"])


async def run_forever(
    name: str,
    interval_s: float,
    call: Callable[[], Awaitable[object]],
    *,
    longest_pause_s: float = LONGEST_PAUSE_S,
) -> NoReturn:
    """Make `call` every `interval_s` seconds, for good; after failures the pause grows to `longest_pause_s` (jittered).

    A failure that goes on is logged once, not each round; its end is logged too.
    """
    failures = 0
    while True:
        outcome = await _round(name, call, failures)
        failures = failures + 1 if outcome == "failed" else 0
        RUNS.labels(name, outcome).inc()
        await asyncio.sleep(_pause_s(interval_s, failures, longest_pause_s))


async def _round(name: str, call: Callable[[], Awaitable[object]], failures: int) -> str:
    try:
        await call()
    except ArtStoreError as error:
        if failures == 0:
            event_logger().warning("worker failed", worker=name, code=error.code, detail=error.detail)
        return "failed"
    except Exception:  # noqa: BLE001 (a worker outlives whatever its rounds raise)
        event_logger().exception("worker failed", worker=name, failures=failures + 1)
        return "failed"
    LAST_SUCCESS.labels(name).set(time.time())
    if failures:
        event_logger().info("worker recovered", worker=name, failures=failures)
    return "ok"


def _pause_s(interval_s: float, failures: int, longest_pause_s: float) -> float:
    if failures == 0:
        return interval_s
    longest = max(interval_s, min(longest_pause_s, max(interval_s, 0.1) * 2 ** min(failures, 10)))
    return random.uniform(max(interval_s, longest / 2), longest)  # noqa: S311 (jitter)


class Background:
    """`async with Background() as background`: tasks and resources, ended in the reverse order of their start."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def start(self, name: str, work: Coroutine[object, object, object]) -> None:
        """Run `work` beside the requests until the end, when it is cancelled and waited for."""
        await self._stack.enter_async_context(_running(name, work))

    def at_end(self, call: Callable[[], Awaitable[object]]) -> None:
        """`call` (a `close`) when the time comes, after all that was started later has ended."""
        self._stack.push_async_callback(call)


@asynccontextmanager
async def _running(name: str, work: Coroutine[object, object, object]) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_log_failure)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _log_failure(task: asyncio.Task[object]) -> None:
    if not task.cancelled() and (error := task.exception()):
        event_logger().error("background task failed", task=task.get_name(), exc_info=error)
