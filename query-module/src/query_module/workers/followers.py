"""A follower for each element that the fleet has, started and stopped as elements come and go."""

import asyncio
from collections.abc import Callable
from typing import NoReturn

from artstore_kit.health import CheckResult, Health
from artstore_kit.workers import run_forever
from query_module import metrics
from query_module.adapters.elements import Elements
from query_module.services.follow import Follower, State

LOOK_EVERY_S = 1.0
LONGEST_PAUSE_S = 2.0
"""After failures: files are to be found soon after an element has come back."""


class Followers:
    """The followers of this node."""

    def __init__(self, elements: Elements, follower_of: Callable[[str], Follower]) -> None:
        self._elements = elements
        self._follower_of = follower_of
        self._running: dict[str, tuple[Follower, asyncio.Task[NoReturn]]] = {}

    async def run(self) -> None:
        """Keep one follower for each element, for good."""
        try:
            await run_forever("followers", LOOK_EVERY_S, self.adjust, longest_pause_s=LONGEST_PAUSE_S)
        finally:
            for element_id in list(self._running):
                await self._end(element_id)

    async def adjust(self) -> None:
        """Start followers for new elements, stop those of elements that are gone, and show how each is doing."""
        wanted = set(self._elements.ids())
        for element_id in self._running.keys() - wanted:
            follower = await self._end(element_id)
            await follower.release()
        for element_id in wanted - self._running.keys():
            self._begin(element_id)
        for follower, _ in self._running.values():
            _show(follower)

    async def check(self) -> CheckResult:
        """Degraded while an element's changes do not arrive: what is new there is not found yet."""
        failing = [f"{each.element_id}: {each.failure}" for each, _ in self._running.values() if _is_failing(each)]
        return CheckResult(health=Health.DEGRADED if failing else Health.OK, detail="; ".join(sorted(failing)))

    def _begin(self, element_id: str) -> None:
        follower = self._follower_of(element_id)
        name = f"follow {element_id}"
        work = run_forever(name, 0, follower.step, longest_pause_s=LONGEST_PAUSE_S)
        self._running[element_id] = follower, asyncio.create_task(work, name=name)

    async def _end(self, element_id: str) -> Follower:
        follower, task = self._running.pop(element_id)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for gauge in (metrics.LAG_SECONDS, metrics.LAG_LSN, metrics.FOLLOWING):
            gauge.remove(element_id)
        return follower


def _is_failing(follower: Follower) -> bool:
    return follower.state is State.FAILING


def _show(follower: Follower) -> None:
    metrics.LAG_SECONDS.labels(follower.element_id).set(follower.lag_s)
    metrics.LAG_LSN.labels(follower.element_id).set(follower.lag_lsn)
    metrics.FOLLOWING.labels(follower.element_id).set(follower.state is State.FOLLOWING)
