"""Group commit: everything that waits shares one append and one sync; then it is put in place and answered.

Batch n + 1 is being written to the journal while batch n is put in place. What arrives during a commit is the next
batch; there is no timer.
"""

import asyncio
from collections.abc import Callable, Sequence

from artstore_kit.contracts.errors import (
    ArtStoreError,
    FileExists,
    NoMaster,
    StorageFault,
    StorageFull,
    StorageUnavailable,
)
from artstore_kit.contracts.files import ElementStamp
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.domain.faults import is_out_of_room
from storage_element.domain.records import Record
from storage_element.domain.storage import Closed, Fenced, Files, Journal, JournalBroken, JournalFull
from storage_element.services.drafts import Draft, Drafts, stopping
from storage_element.services.place import Batch, Placer
from storage_element.services.tell import Teller

BATCH_RECORDS = 256
BATCH_BYTES = 8 * 2**20


class Committer:
    """Takes drafts from all requests and makes them durable, in one order."""

    def __init__(
        self,
        journal: Journal,
        files: Files,
        element_id: str,
        teller: Teller,
        committed: Callable[[Sequence[Record]], None],
    ) -> None:
        self._journal = journal
        self._files = files
        self._element_id = element_id
        self._drafts = Drafts()
        self._waiting: list[Draft] = []
        self._arrived = asyncio.Event()
        self._turn = asyncio.Lock()
        self._placer = Placer(
            files, self._drafts, teller=teller, lsn=journal.durable_lsn, committed=committed, fail=self.fail
        )
        self.fault = ""
        self.is_fenced = False
        self.failed = asyncio.Event()

    def submit(self, draft: Draft) -> None:
        """Take `draft`; its `done` has its final attributes when it is on stable storage and in place.

        `done` fails with `FileExists`, `StorageFull` (nothing was written), `StorageUnavailable` (it may have been
        done; try again), `StorageFault` or `NoMaster` (a replay decides: by the next start, or by who has taken over).
        """
        self.must_take_writes()
        self._drafts.add(draft)
        self._waiting.append(draft)
        self._arrived.set()

    def must_take_writes(self) -> None:
        """Raise `StorageFault` after a fault, `NoMaster` when another node has taken over.

        `StorageUnavailable` while what is committed cannot be put in place, and when the element is being stopped.
        """
        self._must_commit()
        if self._drafts.are_closed:
            raise stopping()

    @property
    def takes_none(self) -> bool:
        """Whether nothing can be committed now."""
        return bool(self.fault or self.away)

    @property
    def away(self) -> StorageUnavailable | None:
        """Why what is committed cannot be put in place now."""
        return self._placer.away

    @property
    def placed_lsn(self) -> int:
        """All records up to this one are in place."""
        return self._placer.lsn

    @property
    def written_bytes(self) -> int:
        """Bytes of journal since it was last rotated."""
        return self._journal.written_bytes

    async def close(self) -> None:
        """Take no more, and return when everybody who waits was told; while the workers still run, of what they did.

        After that they may end: nobody waits for what they are at.
        """
        await self._drafts.close()

    async def run(self) -> None:
        """Commit batch after batch."""
        while True:
            await self._arrived.wait()
            drafts = self._take()
            if drafts:
                await self._commit_batch(drafts)

    async def run_placing(self) -> None:
        """Put committed batches in place, in LSN order, and answer their senders."""
        await self._placer.run()

    async def rotate(self) -> Closed:
        """Close the journal's segments. All that is in them is in place on return."""
        self._must_commit()
        try:
            async with self._turn:
                closed = await self._journal.rotate()
        except JournalFull:
            raise StorageFull("The element has no room for its journal.") from None
        except (OSError, JournalBroken, Fenced) as error:
            raise self.fail(error) from error
        await self._placer.has_come_to(closed.last_lsn, lambda: self.takes_none)
        self._must_commit()
        return closed

    async def drop(self, closed: Closed) -> None:
        """Remove journal segments that a checkpoint has made superfluous; `Fenced`."""
        try:
            async with self._turn:
                await self._journal.drop(closed.segments)
        except OSError as error:
            if is_out_of_room(error):
                raise StorageFull("The element has no room to drop its journal; it is kept.") from error
            raise self.fail(error) from error

    def fail(self, error: Exception) -> ArtStoreError:
        """Take no more writes until a restart: after a failed sync nobody knows what is on the disk.

        After `Fenced` it is known: what the master of the newer epoch says. What senders are told of it.
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
        waiting, self._waiting = self._waiting, []
        self._drafts.refuse(waiting, self.refusal())
        return self.refusal()

    def refusal(self) -> ArtStoreError:
        """What those are told whose writes are not taken any more."""
        return NoMaster(headers={"Retry-After": "1"}) if self.is_fenced else StorageFault()

    def _must_commit(self) -> None:
        if self.fault:
            raise self.refusal()
        if self.away:
            raise self.away

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
            self._drafts.refuse(drafts, StorageFull("The element has no room for its journal."))
        except StorageUnavailable as error:  # the next append settles what was written
            self._drafts.refuse(drafts, error)
        except Exception as error:  # noqa: BLE001 (whatever it was, nobody knows what is on the disk now)
            self._drafts.refuse(drafts, self.fail(error))
        else:
            await self._placer.add(batch)

    async def _accepted(self, drafts: list[Draft]) -> list[Draft]:
        """Those that may be written: a file is created once."""
        creating = [draft.attributes.file_id for draft in drafts if draft.kind.creates]
        taken = await self._files.taken(creating) if creating else set()
        if not taken:
            return drafts
        refused = [draft for draft in drafts if draft.kind.creates and draft.attributes.file_id in taken]
        self._drafts.refuse(refused, FileExists())
        return [draft for draft in drafts if draft not in refused]

    async def _write(self, drafts: list[Draft]) -> Batch:
        async with self._turn:
            if self.fault:
                raise JournalBroken
            records = [self._record(draft, self._journal.next_lsn + at) for at, draft in enumerate(drafts)]
            if not records:
                return Batch(drafts, records)
            with metrics.SYNC_SECONDS.time():
                await self._journal.append(records)
        metrics.BATCH.observe(len(records))
        for draft in drafts:
            metrics.COMMITS.labels(draft.kind.name.lower()).inc()
        return Batch(drafts, records)

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
            draft.origin_bytes(),
        )
