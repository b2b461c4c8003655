"""Keeps the index behind the files: applies committed records in LSN order, and rebuilds it when it cannot follow."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.adapters.index import Entry, Index, IndexDiverged, IndexOfLaterEpoch
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import Files
from storage_element.services.rebuild import rebuild

BATCH_ENTRIES = 1000
LOOK_EVERY_S = 10.0
BUSY_ENTRIES = 4
"""A step of so many is followed by more."""
GATHER_S = 0.1
"""After such a step: the next costs the same for many records as for few, here and for those who read the feed."""
MOST_PENDING = 200_000
"""Beyond this the index has been away for so long that rebuilding it is the shorter way."""


def entry_of(record: Record) -> Entry:
    """What the index keeps of a record."""
    return Entry(record.lsn, record.file_id, None if record.kind is Kind.REMOVE else record.attributes.decode())


class Indexer:
    """The one writer of this element's index. The index may lag or be away; nothing waits for it."""

    def __init__(
        self,
        index: Index,
        files: Files,
        entries: Sequence[Entry],
        last_lsn: int,
        confirm: Callable[[], Awaitable[None]],
    ) -> None:
        self._confirm = confirm
        self._index = index
        self._files = files
        self._pending = deque(entries)
        self._last_lsn = last_lsn
        self._arrived = asyncio.Event()
        self._verified = False
        self._must_rebuild = False
        self.applied = asyncio.Event()

    def add(self, records: Sequence[Record]) -> None:
        """Take what was just committed."""
        if records:
            self._last_lsn = records[-1].lsn
            self._pending.extend(map(entry_of, records))
            if len(self._pending) > MOST_PENDING:
                self._pending.clear()
                self._verified = False
            metrics.INDEX_PENDING.set(len(self._pending))
            self._arrived.set()

    def ask_rebuild(self) -> None:
        """The index was found to show something else than the files: make it anew."""
        self._must_rebuild, self._verified = True, False
        self._arrived.set()

    async def round(self) -> None:
        """Apply all that is pending; wait for more when there is nothing. Raises when the database is away.

        `Fenced` when the index is of a later epoch, and so is the element. When only the index is, the element is a
        restored one: it is the judge, and the index is made anew.
        """
        try:
            await self._round()
        except IndexOfLaterEpoch:
            await self._confirm()
            self._index.judged()
            self.ask_rebuild()

    async def _round(self) -> None:
        if not self._verified:
            await self._verify()
        if self._verified and not self._pending:
            await self._wait()
        if self._verified:
            await self._apply()

    async def _wait(self) -> None:
        """Nobody tells when the database is emptied or restored: an idle element looks now and then."""
        self._arrived.clear()
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._arrived.wait()
        except TimeoutError:
            self._verified = False

    async def _apply(self) -> None:
        while self._pending:
            batch = [self._pending[at] for at in range(min(BATCH_ENTRIES, len(self._pending)))]
            try:
                await self._index.apply(batch)
            except IndexDiverged:
                self._verified = False
                return
            for _ in batch:
                self._pending.popleft()
            metrics.INDEX_PENDING.set(len(self._pending))
            self._wake_readers()
            if len(batch) >= BUSY_ENTRIES:
                await asyncio.sleep(GATHER_S)

    def _wake_readers(self) -> None:
        self.applied.set()
        self.applied = asyncio.Event()

    async def _verify(self) -> None:
        """Find out whether the pending entries continue what the index shows; if not, rebuild it."""
        applied = await self._index.applied_lsn()
        first = self._pending[0].lsn if self._pending else self._last_lsn + 1
        if self._must_rebuild or applied is None or not first - 1 <= applied <= self._last_lsn:
            self._verified = await self._rebuild()
        else:
            while self._pending and self._pending[0].lsn <= applied:
                self._pending.popleft()
            self._verified = True

    async def _rebuild(self) -> bool:
        """Once begun it must come to its end: what it took of the pending entries is nowhere else."""
        metrics.INDEX_REBUILDS.inc()
        began = time.monotonic()
        self._must_rebuild = True
        boundary_lsn = self._last_lsn
        self._take_pending()
        try:
            rebuilt = await rebuild(self._index, self._files, boundary_lsn, self._take_pending)
        except IndexDiverged:  # more was committed meanwhile than is kept
            return False
        self._must_rebuild = False
        self._wake_readers()
        event_logger().info(
            "index rebuilt",
            files=rebuilt.files,
            root=rebuilt.root,
            last_lsn=rebuilt.applied_lsn,
            seconds=round(time.monotonic() - began, 3),
        )
        return True

    def _take_pending(self) -> Sequence[Entry]:
        taken, self._pending = self._pending, deque()
        metrics.INDEX_PENDING.set(0)
        return list(taken)
