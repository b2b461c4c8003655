"""Group commit: everything that waits shares one append and one sync; then it is put in place and answered.

Batch n + 1 is being written to the journal while batch n is put in place. What arrives during a commit is the next
batch; there is no timer.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from artstore_kit.contracts.errors import (
    ArtStoreError,
    FileExists,
    NoMaster,
    StorageFault,
    StorageFull,
    StorageUnavailable,
)
from artstore_kit.contracts.files import ElementStamp, FileAttributes
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.domain.faults import is_out_of_room
from storage_element.domain.records import NO_STAGING, Kind, Record
from storage_element.domain.storage import Closed, Fenced, Files, Journal, JournalBroken, JournalFull

BATCH_RECORDS = 256
BATCH_BYTES = 8 * 2**20
BATCHES_BEING_PLACED = 2
PLACE_AGAIN_AFTER_S = 1.0


class Outcome(asyncio.Future[FileAttributes]):
    """What becomes of a draft. Whoever waits for it is cancelled only when it is known: until then the journal may hold
    the draft."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - the signature is asyncio's
        """Never."""
        return False


@dataclass(eq=False)
class Draft:
    """An operation that waits for its commit; the commit gives it its LSN."""

    kind: Kind
    attributes: FileAttributes
    content: bytes = b""
    staging: UUID = NO_STAGING
    done: Outcome = field(default_factory=Outcome)


@dataclass(frozen=True)
class _Batch:
    drafts: list[Draft]
    records: list[Record]


class Committer:
    """Takes drafts from all requests and makes them durable, in one order."""

    def __init__(
        self, journal: Journal, files: Files, element_id: str, committed: Callable[[Sequence[Record]], None]
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
        self.is_fenced = False
        self.away: StorageUnavailable | None = None
        self.failed = asyncio.Event()
        self._batches = 0
        self._turn = asyncio.Lock()

    def submit(self, draft: Draft) -> None:
        """Take `draft`; its `done` has its final attributes when it is on stable storage and in place.

        `done` fails with `FileExists`, `StorageFull` (nothing was written), `StorageUnavailable` (it may have been
        done; try again), `StorageFault` or `NoMaster` (a replay decides: by the next start, or by who has taken over).
        """
        self.must_take_writes()
        self._waiting.append(draft)
        self._arrived.set()

    def must_take_writes(self) -> None:
        """Raise `StorageFault` after a fault, `NoMaster` when another node has taken over.

        `StorageUnavailable` while what is committed cannot be put in place.
        """
        if self.fault:
            raise self.refusal()
        if self.away:
            raise self.away

    @property
    def takes_none(self) -> bool:
        """Whether `must_take_writes` raises."""
        return bool(self.fault or self.away)

    async def all_answered(self) -> None:
        """After a failure: return when nobody waits for an outcome any more."""
        async with self._placed:
            await self._placed.wait_for(lambda: self._batches == 0)

    async def run(self) -> None:
        """Commit batch after batch."""
        while True:
            await self._arrived.wait()
            drafts = self._take()
            if drafts:
                self._batches += 1
                await self._commit_batch(drafts)

    async def run_placing(self) -> None:
        """Put committed batches in place, in LSN order, and answer their senders."""
        while True:
            batch = await self._to_place.get()
            await self._place_batch(batch)

    async def rotate(self) -> Closed:
        """Close the journal's segments. All that is in them is in place on return."""
        self.must_take_writes()
        try:
            async with self._turn:
                closed = await self._journal.rotate()
        except JournalFull:
            raise StorageFull("The element has no room for its journal.") from None
        except (OSError, JournalBroken, Fenced) as error:
            self.fail(error)
            raise self.refusal() from error
        async with self._placed:
            await self._placed.wait_for(lambda: self.placed_lsn >= closed.last_lsn or self.takes_none)
        self.must_take_writes()
        return closed

    async def drop(self, closed: Closed) -> None:
        """Remove journal segments that a checkpoint has made superfluous; `Fenced`."""
        try:
            async with self._turn:
                await self._journal.drop(closed.segments)
        except OSError as error:
            if is_out_of_room(error):
                raise StorageFull("The element has no room to drop its journal; it is kept.") from error
            self.fail(error)
            raise self.refusal() from error

    def fail(self, error: Exception) -> None:
        """Take no more writes until a restart: after a failed sync nobody knows what is on the disk.

        After `Fenced` it is known: what the master of the newer epoch says.
        """
        if isinstance(error, Fenced):
            if not self.is_fenced:
                metrics.FENCED.inc()
                event_logger().warning("fenced", detail=str(error))
            self.is_fenced = True
        elif not self.is_fenced:
            metrics.FAULT.set(1)
            event_logger().error("storage fault", exc_info=error)
        self.fault = self.fault or f"{type(error).__name__}: {error}"
        self.failed.set()
        drafts, self._waiting = self._waiting, []
        _refuse(drafts, self.refusal())

    def refusal(self) -> ArtStoreError:
        """What those are told whose writes are not taken any more."""
        return NoMaster(headers={"Retry-After": "1"}) if self.is_fenced else StorageFault()

    @property
    def written_bytes(self) -> int:
        """Bytes of journal since it was last rotated."""
        return self._journal.written_bytes

    def _take(self) -> list[Draft]:
        size = count = 0
        while count < min(len(self._waiting), BATCH_RECORDS) and size < BATCH_BYTES:
            size += len(self._waiting[count].content)
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self._waiting:
            self._arrived.clear()
        return taken

    async def _commit_batch(self, drafts: list[Draft]) -> None:
        try:
            batch = await self._write(await self._accepted(drafts))
        except JournalFull:
            _refuse(drafts, StorageFull("The element has no room for its journal."))
            await self._end_batch()
        except StorageUnavailable as error:  # the next append settles what was written
            _refuse(drafts, error)
            await self._end_batch()
        except Exception as error:  # noqa: BLE001 (whatever it was, nobody knows what is on the disk now)
            self.fail(error)
            _refuse(drafts, self.refusal())
            await self._end_batch()
        else:
            await self._to_place.put(batch)

    async def _place_batch(self, batch: _Batch) -> None:
        try:
            self._follows(batch.records)
            await self._place(batch)
            self._show(batch)
        except Exception as error:  # noqa: BLE001 (whatever it was, the files are not what the journal says now)
            self.fail(error)
            _refuse(batch.drafts, self.refusal())
        await self._end_batch()

    async def _end_batch(self) -> None:
        async with self._placed:
            self._batches -= 1
            self._placed.notify_all()

    async def _place(self, batch: _Batch) -> None:
        """Until it has worked: committed it is. While the store is away, senders are told so and no others let in."""
        while True:
            try:
                await self._files.place(batch.records)
            except StorageUnavailable as error:
                self.away = error
                _refuse(batch.drafts, error)
                async with self._placed:
                    self._placed.notify_all()
                await asyncio.sleep(PLACE_AGAIN_AFTER_S)
            else:
                self.away = None
                return

    def _show(self, batch: _Batch) -> None:
        if batch.records:
            self.placed_lsn = batch.records[-1].lsn
            self._committed(batch.records)
        for draft in batch.drafts:
            if not draft.done.done():
                draft.done.set_result(draft.attributes)

    async def _accepted(self, drafts: list[Draft]) -> list[Draft]:
        """Those that may be written: a file is created once."""
        creating = [draft.attributes.file_id for draft in drafts if draft.kind.creates]
        taken = await self._files.taken(creating) if creating else set()
        if not taken:
            return drafts
        refused = [draft for draft in drafts if draft.kind.creates and draft.attributes.file_id in taken]
        _refuse(refused, FileExists())
        return [draft for draft in drafts if draft not in refused]

    async def _write(self, drafts: list[Draft]) -> _Batch:
        async with self._turn:
            if self.fault:
                raise JournalBroken
            records = [self._record(draft, self._journal.next_lsn + at) for at, draft in enumerate(drafts)]
            if not records:
                return _Batch(drafts, records)
            with metrics.SYNC_SECONDS.time():
                await self._journal.append(records)
        metrics.BATCH.observe(len(records))
        for draft in drafts:
            metrics.COMMITS.labels(draft.kind.name.lower()).inc()
        return _Batch(drafts, records)

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

    def _follows(self, records: Sequence[Record]) -> None:
        """In LSN order without a gap: what follows a record that could not be placed is left to the replay."""
        if records and records[0].lsn != self.placed_lsn + 1:
            raise RuntimeError(f"LSN {records[0].lsn} cannot follow {self.placed_lsn}")


def _refuse(drafts: Sequence[Draft], error: Exception) -> None:
    for draft in drafts:
        if not draft.done.done():
            draft.done.set_exception(error)
