"""Group commit: everything that waits shares one append and one sync; then it is put in place and answered.

Two threads, each with one thing at a time: the journal's writes batch n + 1 while the placing one puts batch n in
place. What arrives during a commit is the next batch; there is no timer.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.errors import FileExists, StorageFault, StorageFull
from artstore_kit.contracts.files import ElementStamp, FileAttributes
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.adapters.journal import Journal, JournalBroken, JournalFull
from storage_element.adapters.local_files import LocalFiles
from storage_element.domain.records import NO_STAGING, Kind, Record

BATCH_RECORDS = 256
BATCH_BYTES = 8 * 2**20
BATCHES_BEING_PLACED = 2


@dataclass(eq=False)
class Draft:
    """An operation that waits for its commit; the commit gives it its LSN."""

    kind: Kind
    attributes: FileAttributes
    content: bytes = b""
    staging: UUID = NO_STAGING
    done: asyncio.Future[FileAttributes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def creates(self) -> bool:
        """Whether the file must not exist yet."""
        return self.kind in {Kind.CREATE_INLINE, Kind.CREATE_STAGED}


@dataclass(frozen=True)
class _Batch:
    drafts: list[Draft]
    records: list[Record]


class Committer:
    """Takes drafts from all requests and makes them durable, in one order."""

    def __init__(
        self, journal: Journal, files: LocalFiles, element_id: str, committed: Callable[[Sequence[Record]], None]
    ) -> None:
        self._journal = journal
        self._files = files
        self._element_id = element_id
        self._committed = committed
        self._waiting: list[Draft] = []
        self._arrived = asyncio.Event()
        self._to_place: asyncio.Queue[_Batch] = asyncio.Queue(BATCHES_BEING_PLACED)
        self._placed = asyncio.Condition()
        self.placed_lsn = journal.durable_lsn
        self.fault = ""
        self._journal_thread = ThreadPoolExecutor(1, "journal")
        self._placing_thread = ThreadPoolExecutor(1, "placing")

    def submit(self, draft: Draft) -> None:
        """Take `draft`; its `done` has its final attributes when it is on stable storage and in place.

        `done` fails with `FileExists`, `StorageFull` (nothing was written), or `StorageFault` (a restart decides).
        """
        self.must_take_writes()
        self._waiting.append(draft)
        self._arrived.set()

    def must_take_writes(self) -> None:
        """Raise `StorageFault` after a fault."""
        if self.fault:
            raise StorageFault

    async def run(self) -> None:
        """Commit batch after batch."""
        while True:
            await self._arrived.wait()
            drafts = self._take()
            if drafts:
                await self._commit_batch(drafts)

    async def run_placing(self) -> None:
        """Put committed batches in place, in LSN order, and answer their senders."""
        while True:
            batch = await self._to_place.get()
            await self._place_batch(batch)

    async def rotate(self) -> tuple[int, list[Path]]:
        """Close the journal's segments: the last LSN in them, and their paths. All of it is in place on return."""
        self.must_take_writes()
        try:
            lsn, closed = await self._in_journal_thread(self._rotate)
        except JournalFull:
            raise StorageFull("The element has no room for its journal.") from None
        except (OSError, JournalBroken) as error:
            self.fail(error)
            raise StorageFault from error
        async with self._placed:
            await self._placed.wait_for(lambda: self.placed_lsn >= lsn or bool(self.fault))
        self.must_take_writes()
        return lsn, closed

    async def drop(self, closed: list[Path]) -> None:
        """Remove journal segments that a checkpoint has made superfluous."""
        await self._in_journal_thread(self._journal.drop, closed)

    def fail(self, error: Exception) -> None:
        """Take no more writes until a restart: after a failed sync nobody knows what is on the disk."""
        self.fault = self.fault or f"{type(error).__name__}: {error}"
        metrics.FAULT.set(1)
        event_logger().error("storage fault", exc_info=error)
        drafts, self._waiting = self._waiting, []
        _refuse(drafts, StorageFault())

    @property
    def written_bytes(self) -> int:
        """Bytes of journal since it was last rotated."""
        return self._journal.written_bytes

    def close(self) -> None:
        """End the threads."""
        self._journal_thread.shutdown()
        self._placing_thread.shutdown()

    def _take(self) -> list[Draft]:
        size = count = 0
        while count < min(len(self._waiting), BATCH_RECORDS) and size < BATCH_BYTES:
            size += len(self._waiting[count].content)
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self._waiting:
            self._arrived.clear()
        return [draft for draft in taken if not draft.done.cancelled()]

    async def _commit_batch(self, drafts: list[Draft]) -> None:
        try:
            batch = await self._in_journal_thread(self._write, drafts)
        except JournalFull:
            _refuse(drafts, StorageFull("The element has no room for its journal."))
        except Exception as error:  # noqa: BLE001 (whatever it was, nobody knows what is on the disk now)
            _refuse(drafts, StorageFault())
            self.fail(error)
        else:
            await self._to_place.put(batch)

    async def _place_batch(self, batch: _Batch) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._placing_thread, self._place, batch.records)
        except Exception as error:  # noqa: BLE001 (whatever it was, the files are not what the journal says now)
            _refuse(batch.drafts, StorageFault())
            self.fail(error)
        else:
            self._show(batch)
        async with self._placed:
            self._placed.notify_all()

    def _show(self, batch: _Batch) -> None:
        if batch.records:
            self.placed_lsn = batch.records[-1].lsn
            self._committed(batch.records)
        for draft in batch.drafts:
            if not draft.done.done():
                draft.done.set_result(draft.attributes)

    # --- on the journal's thread

    def _write(self, drafts: list[Draft]) -> _Batch:
        refused = [draft for draft in drafts if draft.creates and self._files.has(draft.attributes.file_id)]
        accepted = [draft for draft in drafts if draft not in refused] if refused else drafts
        records = [self._record(draft, self._journal.next_lsn + at) for at, draft in enumerate(accepted)]
        if records:
            with metrics.SYNC_SECONDS.time():
                self._journal.append(records)
            metrics.BATCH.observe(len(records))
            for draft in accepted:
                metrics.COMMITS.labels(draft.kind.name.lower()).inc()
        if refused:
            refused[0].done.get_loop().call_soon_threadsafe(_refuse, refused, FileExists())
        return _Batch(accepted, records)

    def _record(self, draft: Draft, lsn: int) -> Record:
        draft.attributes.element = ElementStamp(id=self._element_id, epoch=self._journal.epoch, lsn=lsn)
        return Record(
            lsn,
            self._journal.epoch,
            draft.kind,
            draft.attributes.file_id,
            draft.attributes.to_json(),
            draft.content,
            draft.staging,
        )

    def _rotate(self) -> tuple[int, list[Path]]:
        return self._journal.durable_lsn, self._journal.rotate()

    async def _in_journal_thread[*Args, T](self, work: Callable[[*Args], T], *args: *Args) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._journal_thread, work, *args)

    # --- on the placing thread

    def _place(self, records: Sequence[Record]) -> None:
        """In LSN order without a gap: what follows a record that could not be placed is left to the replay."""
        if records and records[0].lsn != self.placed_lsn + 1:
            raise RuntimeError(f"LSN {records[0].lsn} cannot follow {self.placed_lsn}")
        for record in records:
            self._files.place(record)


def _refuse(drafts: Sequence[Draft], error: Exception) -> None:
    for draft in drafts:
        if not draft.done.done():
            draft.done.set_exception(error)
