"""Recovery at start, the only way back for crash and error alike: replay the journal, sync, begin a new segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from artstore_kit.logs import event_logger
from artstore_kit.start import StartRefused
from storage_element import metrics
from storage_element.adapters.index import Entry
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import ContentMissing, Files, Journal, JournalDamaged, JournalFull, Storage
from storage_element.domain.superblock import Superblock
from storage_element.services.indexing import entry_of
from storage_element.services.tell import Teller

PROGRESS_EVERY = 10_000


@dataclass(frozen=True)
class _Survey:
    """What the journal holds: the last LSN that was given, and from which LSN on each file is redone.

    A stale master may still be appending: what comes after the survey was not acknowledged and is not looked at.
    What came before a file's last create, replacement or removal is over. To redo it would be to overwrite or remove
    the content of a later file with the same id, or to look for content that was removed long ago.
    """

    last_lsn: int
    redone_from: Mapping[UUID, int]

    def covers(self, record: Record) -> bool:
        """Whether `record` is to be redone."""
        return record.lsn >= self.redone_from.get(record.file_id, 0)


async def recover(storage: Storage, teller: Teller) -> list[Entry]:
    """Bring the files to what the journal says; what the index may not know of yet, in LSN order.

    Redoing is idempotent: a crash in the middle of it is followed by another recovery. The whole journal is read
    before anything is redone: half a replay would put old attributes over newer ones. `Fenced` when another node takes
    over meanwhile; then what is read here is what that one writes, and looks like damage.

    The audit log is told of all of it, once the files are synced: before, another crash could take back what was told.
    `AuditSpoolFull`, `AuditSpoolFault`: the journal is kept.
    """
    await _must_not_be_damaged_as_before(storage)
    epoch = await storage.superblocks.take_over()
    try:
        return await _redo(storage, teller, epoch)
    except (OSError, JournalDamaged):
        await storage.superblocks.confirm()
        raise


async def _must_not_be_damaged_as_before(storage: Storage) -> None:
    """Raise `JournalDamaged` when whoever took over last did not come through, and it is still damaged.

    No epoch is spent on that: a process that is started again and again would spend one each time. What a living
    master drops meanwhile looks like damage, too; then the superblock has changed.
    """
    before = storage.superblocks.current
    if before.epoch == before.checkpoint_epoch:
        return
    try:
        await _survey(storage.journal, before)
    except JournalDamaged:
        await storage.superblocks.refresh()
        if storage.superblocks.current == before:
            raise


async def _redo(storage: Storage, teller: Teller, epoch: int) -> list[Entry]:
    journal, files, superblocks = storage.journal, storage.files, storage.superblocks
    survey = await _survey(journal, superblocks.current)
    entries = await _replay(journal, files, survey)
    await files.sync()
    await _tell_again(journal, survey, teller)
    await superblocks.note_checkpoint(survey.last_lsn)
    await journal.drop(await journal.segments())
    await _start(journal, survey.last_lsn + 1, epoch)
    uncommitted = await files.clear_staging()
    event_logger().info(
        "recovered", epoch=epoch, replayed=len(entries), last_lsn=survey.last_lsn, uncommitted=uncommitted
    )
    return entries


async def _survey(journal: Journal, block: Superblock) -> _Survey:
    last_lsn = max(block.checkpoint_lsn, await journal.last_begun_lsn())
    redone_from: dict[UUID, int] = {}
    first = True
    async for batch in journal.read():
        if first and batch[0].lsn > block.checkpoint_lsn + 1:
            raise JournalDamaged(f"the journal begins at LSN {batch[0].lsn}, not {block.checkpoint_lsn + 1}.")
        first = False
        records = [record for record in batch if block.counts(record)]
        redone_from |= {record.file_id: record.lsn for record in records if record.kind is not Kind.CHANGE}
        last_lsn = max(last_lsn, records[-1].lsn if records else 0)
    return _Survey(last_lsn, redone_from)


async def _replay(journal: Journal, files: Files, survey: _Survey) -> list[Entry]:
    entries: list[Entry] = []
    missing: list[str] = []
    async for batch in journal.read():
        records = [record for record in batch if record.lsn <= survey.last_lsn]
        await _place([record for record in records if survey.covers(record)], files, missing)
        entries += map(entry_of, records)
        _tell(len(entries), records)
    if missing:
        raise JournalDamaged(f"acknowledged content is missing; nothing was deleted: {missing[:5]}")
    return entries


async def _tell_again(journal: Journal, survey: _Survey, teller: Teller) -> None:
    """The journal is read once more, so that no more of it is in memory than of any other reading."""
    async for batch in journal.read():
        teller.tell_again([record for record in batch if record.lsn <= survey.last_lsn])
    await teller.settle(survey.last_lsn)


def _tell(count: int, records: Sequence[Record]) -> None:
    metrics.REPLAYED.inc(len(records))
    if records and count // PROGRESS_EVERY > (count - len(records)) // PROGRESS_EVERY:
        event_logger().info("replaying", records=count, lsn=records[-1].lsn)


async def _place(records: Sequence[Record], files: Files, missing: list[str]) -> None:
    """Content that is missing does not keep the other files from being put in place."""
    try:
        await files.place(records)
    except ContentMissing as error:
        missing.append(str(error))


async def _start(journal: Journal, next_lsn: int, epoch: int) -> None:
    """Only now, when the old segments are gone: on a full disk theirs is the room for a new one."""
    try:
        await journal.start(next_lsn, epoch)
    except JournalFull:
        raise StartRefused("there is no room for a segment of the journal; free some and start again") from None
