"""Recovery at start, the only way back for crash and error alike: replay the journal, sync, begin a new segment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from artstore_kit.logs import event_logger
from artstore_kit.start import StartRefused
from storage_element import metrics
from storage_element.adapters.index import Entry
from storage_element.adapters.journal import Journal, JournalFull
from storage_element.adapters.local_files import ContentMissing, LocalFiles
from storage_element.adapters.segments import JournalDamaged
from storage_element.adapters.superblocks import Superblocks
from storage_element.domain.records import Kind, Record
from storage_element.services.indexing import entry_of

PROGRESS_EVERY = 10_000


@dataclass(frozen=True)
class _Survey:
    """What the journal holds: the last LSN that was given, and from which LSN on each file is redone.

    What came before a file's last create or removal is over. To redo it would be to overwrite or remove the content
    of a later file with the same id, or to look for content that was removed long ago.
    """

    last_lsn: int
    redone_from: Mapping[UUID, int]

    def covers(self, record: Record) -> bool:
        """Whether `record` is to be redone."""
        return record.lsn >= self.redone_from.get(record.file_id, 0)


def recover(journal: Journal, files: LocalFiles, superblocks: Superblocks) -> list[Entry]:
    """Bring the files to what the journal says; what the index may not know of yet, in LSN order.

    Redoing is idempotent: a crash in the middle of it is followed by another recovery. The whole journal is read
    before anything is redone: half a replay would put old attributes over newer ones.
    """
    epoch = superblocks.take_over()
    survey = _survey(journal, superblocks.current.checkpoint_lsn)
    entries = list(_replay(journal, files, survey))
    files.sync()
    superblocks.note_checkpoint(survey.last_lsn)
    journal.drop(journal.segments())
    _start(journal, survey.last_lsn + 1, epoch)
    uncommitted = files.clear_staging()
    event_logger().info(
        "recovered", epoch=epoch, replayed=len(entries), last_lsn=survey.last_lsn, uncommitted=uncommitted
    )
    return entries


def _survey(journal: Journal, checkpoint_lsn: int) -> _Survey:
    last_lsn = max(checkpoint_lsn, _last_begun(journal))
    redone_from: dict[UUID, int] = {}
    for count, record in enumerate(journal.read()):
        if count == 0 and record.lsn > checkpoint_lsn + 1:
            raise JournalDamaged(f"the journal begins at LSN {record.lsn}, not {checkpoint_lsn + 1}.")
        if record.kind is not Kind.CHANGE:
            redone_from[record.file_id] = record.lsn
        last_lsn = max(last_lsn, record.lsn)
    return _Survey(last_lsn, redone_from)


def _last_begun(journal: Journal) -> int:
    """An empty segment holds the next LSN in its name."""
    segments = journal.segments()
    return int(segments[-1].stem) - 1 if segments else 0


def _replay(journal: Journal, files: LocalFiles, survey: _Survey) -> Iterator[Entry]:
    missing: list[str] = []
    for count, record in enumerate(journal.read(), 1):
        if survey.covers(record):
            _place(record, files, missing)
        metrics.REPLAYED.inc()
        if count % PROGRESS_EVERY == 0:
            event_logger().info("replaying", records=count, lsn=record.lsn)
        yield entry_of(record)
    if missing:
        raise JournalDamaged(f"acknowledged content is missing; nothing was deleted: {missing[:5]}")


def _place(record: Record, files: LocalFiles, missing: list[str]) -> None:
    """Content that is missing does not keep the other files from being put in place."""
    try:
        files.place(record)
    except ContentMissing as error:
        missing.append(str(error))


def _start(journal: Journal, next_lsn: int, epoch: int) -> None:
    """Only now, when the old segments are gone: on a full disk theirs is the room for a new one."""
    try:
        journal.start(next_lsn, epoch)
    except JournalFull:
        raise StartRefused("there is no room for a segment of the journal; free some and start again") from None
