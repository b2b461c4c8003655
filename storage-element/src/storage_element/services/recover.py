"""Recovery at start, the only way back for crash and error alike: replay the journal, sync, begin a new segment."""

from collections.abc import Iterator
from uuid import UUID

from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.adapters.index import Entry
from storage_element.adapters.journal import Journal
from storage_element.adapters.local_files import ContentMissing, LocalFiles
from storage_element.adapters.segments import JournalDamaged
from storage_element.adapters.superblocks import Superblocks
from storage_element.domain.records import Kind, Record
from storage_element.services.indexing import entry_of

PROGRESS_EVERY = 10_000


def recover(journal: Journal, files: LocalFiles, superblocks: Superblocks) -> list[Entry]:
    """Bring the files to what the journal says; what the index may not know of yet, in LSN order.

    Replaying is idempotent: a crash in the middle of it is followed by another replay.
    """
    epoch = superblocks.take_over()
    last = _last_lsn(journal, superblocks.current.checkpoint_lsn)
    entries = list(_replay(journal, files))
    files.sync()
    old = journal.segments()
    superblocks.note_checkpoint(last)
    journal.start(last + 1, epoch)
    journal.drop([path for path in old if int(path.stem) <= last])
    uncommitted = files.clear_staging()
    event_logger().info("recovered", epoch=epoch, replayed=len(entries), last_lsn=last, uncommitted=uncommitted)
    return entries


def _last_lsn(journal: Journal, checkpoint_lsn: int) -> int:
    """The last LSN that was given: the next one was never used.

    The whole journal is read before anything is replayed: half a replay would put old attributes over newer ones.
    """
    lsns = [record.lsn for record in journal.read()]
    if lsns and lsns[0] > checkpoint_lsn + 1:
        raise JournalDamaged(f"the journal begins at LSN {lsns[0]}, not {checkpoint_lsn + 1}. Nothing was changed.")
    return max(checkpoint_lsn, _last_begun(journal), *lsns[-1:])


def _replay(journal: Journal, files: LocalFiles) -> Iterator[Entry]:
    missing: dict[UUID, str] = {}
    for count, record in enumerate(journal.read(), 1):
        _place(record, files, missing)
        metrics.REPLAYED.inc()
        if count % PROGRESS_EVERY == 0:
            event_logger().info("replaying", records=count, lsn=record.lsn)
        yield entry_of(record)
    if missing:
        raise JournalDamaged(f"acknowledged content is missing; nothing was deleted: {sorted(missing.values())[:5]}")


def _place(record: Record, files: LocalFiles, missing: dict[UUID, str]) -> None:
    """Content that a later record removed was removed before the crash too: it need not be there."""
    try:
        files.place(record)
    except ContentMissing as error:
        missing[record.file_id] = str(error)
    if record.kind is Kind.REMOVE:
        missing.pop(record.file_id, None)


def _last_begun(journal: Journal) -> int:
    """An empty segment holds the next LSN in its name."""
    segments = journal.segments()
    return int(segments[-1].stem) - 1 if segments else 0
