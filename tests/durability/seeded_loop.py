"""An event loop that does the work of threads itself, at moments that follow from a seed: a run can be repeated."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

LONGEST_WAIT = 6
"""Most turns of the loop between the moment when work is given away and the moment when it is done."""

FORGOTTEN = 60
"""So many times longer waits a thread that stalls."""

type _Work = tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class SeededLoop(asyncio.SelectorEventLoop):
    """Work for an executor with one thread is done in order; other work in any order."""

    def __init__(self, seed: int, longest_wait: int, stalls: float = 0) -> None:
        super().__init__()
        self._chosen = random.Random(seed)
        self._longest_wait = longest_wait
        self._stalls = stalls
        self._lanes: dict[Executor, deque[_Work]] = {}

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Have `func` done a few turns from now."""
        future = self.create_future()
        single = isinstance(executor, ThreadPoolExecutor) and executor._max_workers == 1
        lane: deque[_Work] = self._lanes.setdefault(executor, deque()) if executor and single else deque()
        lane.append((future, func, args))
        if len(lane) == 1:
            self._start(executor, lane)
        return future

    def _start(self, executor: Executor | None, lane: "deque[_Work]") -> None:
        turns = self._chosen.randint(0, self._longest_wait)
        self._wait(executor, lane, turns * FORGOTTEN if self._chosen.random() < self._stalls else turns)

    def _wait(self, executor: Executor | None, lane: "deque[_Work]", turns: int) -> None:
        if turns:
            self.call_soon(self._wait, executor, lane, turns - 1)
        else:
            self.call_soon(self._do, executor, lane)

    def _do(self, executor: Executor | None, lane: "deque[_Work]") -> None:
        future, func, args = lane[0]
        try:
            result = func(*args)
        except BaseException as error:  # noqa: BLE001 (whoever waits for the work is told)
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(result)
        lane.popleft()
        if lane:
            self._start(executor, lane)
        elif executor is not None:
            self._lanes.pop(executor, None)


def run_seeded[T](
    seed: int, work: Callable[[], Coroutine[Any, Any, T]], longest_wait: int = LONGEST_WAIT, stalls: float = 0
) -> T:
    """The result of the coroutine that `work` makes. `stalls` is the share of the work that waits for very long."""
    with asyncio.Runner(loop_factory=lambda: SeededLoop(seed, longest_wait, stalls)) as runner:
        return runner.run(work())
