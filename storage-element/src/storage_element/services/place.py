"""Puts in place what the journal holds, in its order, and then tells those who wait for it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from artstore_kit.contracts.errors import ArtStoreError, StorageUnavailable
from storage_element.domain.records import Record
from storage_element.domain.storage import Files
from storage_element.services.drafts import Draft, Drafts

BATCHES_BEING_PLACED = 2
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
        lsn: int,
        committed: Callable[[Sequence[Record]], None],
        fail: Callable[[Exception], ArtStoreError],
    ) -> None:
        self._files = files
        self._drafts = drafts
        self._committed = committed
        self._fail = fail
        self._batches: asyncio.Queue[Batch] = asyncio.Queue(BATCHES_BEING_PLACED)
        self._moved = asyncio.Condition()
        self.lsn = lsn
        self.away: StorageUnavailable | None = None

    async def add(self, batch: Batch) -> None:
        """This is the next one; waits while several are under way."""
        await self._batches.put(batch)

    async def run(self) -> None:
        """Put committed batches in place, in LSN order, and answer their senders."""
        while True:
            batch = await self._batches.get()
            await self._place_batch(batch)
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
        """Until it has worked: committed it is. While the store is away, senders are told so and no others let in."""
        while True:
            try:
                await self._files.place(batch.records)
            except StorageUnavailable as error:
                self.away = error
                self._drafts.refuse(batch.drafts, error)
                await self._tell_moved()
                await asyncio.sleep(PLACE_AGAIN_AFTER_S)
            else:
                self.away = None
                return

    def _show(self, batch: Batch) -> None:
        if batch.records:
            self.lsn = batch.records[-1].lsn
            self._committed(batch.records)
        self._drafts.done(batch.drafts)

    async def _tell_moved(self) -> None:
        async with self._moved:
            self._moved.notify_all()
