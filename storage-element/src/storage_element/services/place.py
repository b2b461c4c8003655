"""Puts in place what the journal holds, in its order, and then tells those who wait for it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from artstore_kit.contracts.errors import ArtStoreError, StorageUnavailable
from storage_element.domain.records import Record
from storage_element.domain.storage import Files
from storage_element.services.drafts import Draft, Drafts
from storage_element.services.tell import Teller

BATCHES_BEING_PLACED = 3
"""One of them really; the others wait for it."""
PLACE_AGAIN_AFTER_S = 1.0


@dataclass(frozen=True)
class Batch:
    """Drafts that were committed together; their records are on stable storage."""

    drafts: Sequence[Draft]
    records: Sequence[Record]


class Placer:
    """The second half of group commit. `fail` is told what went wrong, and gives what senders are told of it."""

    def __init__(
        self,
        files: Files,
        drafts: Drafts,
        *,
        teller: Teller,
        lsn: int,
        committed: Callable[[Sequence[Record]], None],
        fail: Callable[[Exception], ArtStoreError],
    ) -> None:
        self._files = files
        self._drafts = drafts
        self._teller = teller
        self._committed = committed
        self._fail = fail
        self._batches: deque[Batch] = deque()
        self._moved = asyncio.Condition()
        self.lsn = lsn
        self.away: StorageUnavailable | None = None

    async def add(self, batch: Batch) -> None:
        """This is the next one; waits while several are under way."""
        async with self._moved:
            self._batches.append(batch)
            if self.away:
                self._drafts.refuse(batch.drafts, self.away)
            self._moved.notify_all()
            await self._moved.wait_for(lambda: len(self._batches) <= BATCHES_BEING_PLACED or self.away)

    async def run(self) -> None:
        """Put committed batches in place, in LSN order, and answer their senders."""
        while True:
            async with self._moved:
                await self._moved.wait_for(lambda: self._batches)
            await self._place_batch(self._batches[0])
            self._batches.popleft()
            if not self._batches:  # until then an operation that was refused may yet be done
                self.away = None
            await self._tell_moved()

    async def has_come_to(self, lsn: int, given_up: Callable[[], bool]) -> None:
        """Return when all records up to `lsn` are in place, or when that is given up."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.lsn >= lsn or given_up())

    async def _place_batch(self, batch: Batch) -> None:
        try:
            self._follows(batch.records)
            await self._place(batch)
            self._show(batch)
        except Exception as error:  # noqa: BLE001 (whatever it was, the files are not what the journal says now)
            self._drafts.refuse(batch.drafts, self._fail(error))

    def _follows(self, records: Sequence[Record]) -> None:
        """In LSN order without a gap: what follows a record that could not be placed is left to the replay."""
        if records and records[0].lsn != self.lsn + 1:
            raise RuntimeError(f"LSN {records[0].lsn} cannot follow {self.lsn}")

    async def _place(self, batch: Batch) -> None:
        """Until it has worked: committed it is. While the store is away, all senders are told, and no others let in."""
        while True:
            try:
                await self._files.place(batch.records)
            except StorageUnavailable as error:
                self.away = error
                for each in self._batches:
                    self._drafts.refuse(each.drafts, error)
                await self._tell_moved()
                await asyncio.sleep(PLACE_AGAIN_AFTER_S)
            else:
                return

    def _show(self, batch: Batch) -> None:
        if batch.records:
            self.lsn = batch.records[-1].lsn
            self._teller.tell(batch.records, [draft.attributes for draft in batch.drafts])
            self._committed(batch.records)
        self._drafts.done(batch.drafts)

    async def _tell_moved(self) -> None:
        async with self._moved:
            self._moved.notify_all()
