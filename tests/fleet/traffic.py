"""Uploads and reads that go on while something happens to the fleet."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID

from artstore import ArtStore
from artstore.retry import passes
from artstore_kit.contracts.errors import ArtStoreError, IdempotencyUnavailable
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import KIB, Document, downloaded, names, unique_word

WRITERS = 3
READERS = 2
SIZES = (0, 700, 4 * KIB, 30 * KIB, 100 * KIB, 400 * KIB)
HEALED_WITHIN_S = 40
"""Longer than the lease of an Idempotency-Key whose holder was killed."""
WRITERS_PAUSE_S = 0.05
FOUND_WITHIN_S = 10


class Traffic:
    """What was acknowledged, and every refusal that a client met before a retry healed it."""

    def __init__(self, store: ArtStore) -> None:
        self.collection = unique_word()
        self.kept: dict[UUID, Document] = {}
        self.refusals: list[ArtStoreError] = []
        self.reads = 0
        self._store = store
        self._ending = asyncio.Event()

    async def write(self) -> None:
        """Hand documents in, one after another, each until it is acknowledged."""
        while not self._ending.is_set():
            await asyncio.sleep(WRITERS_PAUSE_S)
            retention = random.choice(["temporary", "temporary", "permanent"])
            document = Document.of_size(random.choice(SIZES), self.collection, retention)
            stored = await self._healed(partial(document.put, self._store, unique_word()))
            self.kept[stored.file_id] = document

    async def read(self) -> None:
        """Read what was acknowledged, one after another."""
        while not self._ending.is_set():
            await asyncio.sleep(0.02)
            if self.kept:
                await self._read_one(random.choice(list(self.kept)))

    async def has_gone_on(self) -> None:
        """Return when some documents more were written and read than by now."""
        written, read = len(self.kept) + 3 * WRITERS, self.reads + 3 * READERS

        async def has_gone_on() -> bool:
            return len(self.kept) >= written and self.reads >= read

        await eventually(has_gone_on, within_s=HEALED_WITHIN_S)

    async def is_all_there(self) -> None:
        """Everything that was acknowledged is there and intact, and found, and there is nothing else."""
        wanted = Counter(document.name for document in self.kept.values())
        found: Counter[str] = Counter()

        async def are_found() -> bool:
            nonlocal found
            found = Counter(await names(self._store, collection=self.collection))
            return found == wanted

        with suppress(TimeoutError):
            await eventually(are_found, within_s=FOUND_WITHIN_S)
        assert (wanted - found, found - wanted) == (Counter(), Counter()), "lost, or there without an acknowledgement"
        for file_id in self.kept:
            await self._read_one(file_id)

    def end(self) -> None:
        """Begin nothing new."""
        self._ending.set()

    async def _read_one(self, file_id: UUID) -> None:
        content = await self._healed(partial(downloaded, self._store, file_id))
        assert content == self.kept[file_id].content
        self.reads += 1

    async def _healed[T](self, attempt: Callable[[], Awaitable[T]]) -> T:
        """A clear refusal is noted and the same tried again; any other error is a defect."""
        give_up_at = time.monotonic() + HEALED_WITHIN_S
        while True:
            try:
                return await attempt()
            except ArtStoreError as error:
                heals = passes(error) or isinstance(error, IdempotencyUnavailable)
                if not heals or time.monotonic() > give_up_at:
                    raise
                self.refusals.append(error)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def going_on(store: ArtStore) -> AsyncIterator[Traffic]:
    """Traffic around what happens to the fleet, before it and after it; at the end it is all there."""
    traffic = Traffic(store)
    async with asyncio.TaskGroup() as tasks:
        for work in [traffic.write] * WRITERS + [traffic.read] * READERS:
            tasks.create_task(work())
        await traffic.has_gone_on()
        yield traffic
        await traffic.has_gone_on()
        traffic.end()
    await traffic.is_all_there()
