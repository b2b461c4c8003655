"""Every element's change feed is followed, as long as the element is there and this process runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from artstore_kit.workers import Background, run_forever
from query_module.config import Settings
from query_module.factory import Services, open_services
from query_module.services.follow import Follower
from query_module.services.roster import Roster

LOOK_EVERY_S = 1.0
LONGEST_PAUSE_S = 2.0
"""After failures: files are to be found soon after an element, or PostgreSQL, has come back."""


@asynccontextmanager
async def following(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Services]:
    """The query module's services, with their followers beside them."""
    async with open_services(settings, stopping) as services, Background() as background:
        await background.start("followers", _Tasks(services.roster).run())
        yield services


class _Tasks:
    """A task for each follower of the roster."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._tasks: dict[str, asyncio.Task[NoReturn]] = {}

    async def run(self) -> None:
        try:
            await run_forever("followers", LOOK_EVERY_S, self.adjust, longest_pause_s=LONGEST_PAUSE_S)
        finally:
            await asyncio.gather(*map(_ended, self._tasks.values()))

    async def adjust(self) -> None:
        begun, ended = self._roster.adjust()
        for follower in ended:
            await _ended(self._tasks.pop(follower.element_id))
            await follower.release()
        for follower in begun:
            self._tasks[follower.element_id] = _task(follower)
        self._roster.show()


def _task(follower: Follower) -> asyncio.Task[NoReturn]:
    name = f"follow {follower.element_id}"
    return asyncio.create_task(run_forever(name, 0, follower.step, longest_pause_s=LONGEST_PAUSE_S), name=name)


async def _ended(task: asyncio.Task[NoReturn]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
