"""One of several nodes on an element: it follows, takes over when that is due, leads and steps down again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.logs import event_logger
from artstore_kit.start import StartRefused
from artstore_kit.workers import Background
from storage_element import metrics
from storage_element.config import Settings
from storage_element.domain.mastership import Marks
from storage_element.domain.storage import Fenced, JournalDamaged
from storage_element.factory.node import node_checks, open_election, open_follower
from storage_element.factory.services import Services, Surroundings, open_services
from storage_element.factory.storage import held_with_others, node_storage
from storage_element.services.election import Election
from storage_element.workers.master import working

LONGEST_PAUSE_S = 60.0


@asynccontextmanager
async def running_node(settings: Settings, stopping: asyncio.Event, around: Surroundings) -> AsyncIterator[Services]:
    """A node that serves from now on, whatever its role; at the end a master makes a checkpoint and lets go."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(held_with_others(settings, around.executor))
        election = await stack.enter_async_context(open_election(settings))
        storage, marks = await stack.enter_async_context(node_storage(settings, around.executor))
        opened = open_follower(settings, stopping, around, storage, election)
        node = _Node(settings, stopping, around, election, marks, await stack.enter_async_context(opened))
        background = await stack.enter_async_context(Background())
        await background.start("node", node.run())
        yield node.services
        await node.stop()


@dataclass
class _Node:
    _settings: Settings
    _stopping: asyncio.Event
    _around: Surroundings
    _election: Election
    _marks: Marks
    _follower: Services
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _pause_s: float = 0

    def __post_init__(self) -> None:
        self.services = replace(self._follower)

    async def run(self) -> None:
        """Follow and lead in turn, whatever comes of it: a node that did neither would serve what is old for ever."""
        try:
            while not self._stop.is_set():
                await self._turn()
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Step down in order."""
        self._stop.set()
        await self._ended.wait()

    async def _turn(self) -> None:
        try:
            await self._election.follow(self._marks, self._stop)
            if not self._stop.is_set() and await self._election.still_due(self._marks):
                await self._lead()
        except (Fenced, StartRefused, OSError, ArtStoreError) as error:
            event_logger().warning("did not stay master", detail=str(error))
            await self._pause(is_of_use=not isinstance(error, JournalDamaged))
        except Exception:  # noqa: BLE001 (a node outlives whatever its turn raises)
            event_logger().exception("did not stay master")
            await self._pause(is_of_use=True)

    async def _pause(self, *, is_of_use: bool) -> None:
        """Before it tries again; longer each time when that alone mends nothing."""
        longer_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        self._pause_s = self._settings.node.lease_s if is_of_use else max(self._settings.node.lease_s, longer_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s):
                await self._stop.wait()

    async def _lead(self) -> None:
        """From taking over to letting go, however that comes about; what was opened last is closed first."""
        async with AsyncExitStack() as stack:
            storage, marks = await stack.enter_async_context(node_storage(self._settings, self._around.executor))
            stack.push_async_callback(self._election.release, marks)
            master = open_services(
                self._settings,
                self._stopping,
                self._around,
                storage,
                checks=node_checks(self._election),
                may_remember=self._election.is_certain,
            )
            async with Background() as announcing:
                await announcing.start("announce", self._election.announce(marks))
                services = await stack.enter_async_context(working(self._settings, master))
            metrics.TAKE_OVERS.inc()
            metrics.EPOCH.set(marks.epoch)
            metrics.IS_MASTER.set(1)
            self.services.become(services)
            try:
                await self._election.lead(marks, services.committer, self._stop)
            finally:
                self.services.become(self._follower)
                metrics.IS_MASTER.set(0)
