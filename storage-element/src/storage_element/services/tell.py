"""Tells the audit log of changes that are in place; the journal keeps what could not be told, or was not synced yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from artstore_kit.contracts.errors import AuditSpoolFull
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.domain.deeds import Deed, Spool, entry_line
from storage_element.domain.records import Record
from storage_element.domain.storage import Journal, Superblocks


@dataclass(frozen=True)
class Untold:
    """What the spool did not take lies between these two LSNs."""

    first_lsn: int
    last_lsn: int


class Teller:
    """One element's part in the audit log. A change that nobody is known to have wanted has no entry."""

    def __init__(self, spool: Spool, journal: Journal, superblocks: Superblocks) -> None:
        self._spool = spool
        self._journal = journal
        self._superblocks = superblocks
        self._untold: Untold | None = None

    @property
    def is_behind(self) -> bool:
        """Whether there are changes that the spool did not take. Until it does, the journal is kept."""
        return self._untold is not None

    def tell(self, records: Sequence[Record], files: Sequence[FileAttributes]) -> None:
        """Tell of changes that are in place, each with its file; never fails: what is not taken is told later."""
        element_id = self._superblocks.current.element_id
        told = zip(records, files, strict=True)
        lines = [entry_line(element_id, record, Deed.on(file)) for record, file in told if record.origin]
        try:
            self._keep(lines)
        except AuditSpoolFull as error:
            self._put_off(Untold(records[0].lsn, records[-1].lsn), error)

    def tell_again(self, records: Sequence[Record]) -> None:
        """Tell of changes that the journal holds; `AuditSpoolFull`."""
        element_id = self._superblocks.current.element_id
        self._keep([entry_line(element_id, record, Deed.of(record)) for record in records if record.origin])

    async def catch_up(self) -> None:
        """Tell what the spool did not take, out of the journal; `AuditSpoolFull` when it still does not take it."""
        while untold := self._untold:
            async for batch in self._journal.read():
                self.tell_again([each for each in batch if untold.first_lsn <= each.lsn <= untold.last_lsn])
            if self._untold == untold:
                self._untold = None
                metrics.UNTOLD.set(0)
                event_logger().info("the audit log is told again", last_lsn=untold.last_lsn)

    async def settle(self, lsn: int) -> None:
        """Return when the entries of all changes up to `lsn` are on stable storage; `AuditSpoolFull` when some could
        not be told, `AuditSpoolFault`."""
        if self._untold and self._untold.first_lsn <= lsn:
            raise AuditSpoolFull("The audit spool did not take all changes; the journal is kept.")
        await self._spool.synced()

    def _keep(self, lines: Sequence[bytes]) -> None:
        if lines:
            self._spool.keep(lines)

    def _put_off(self, fresh: Untold, error: AuditSpoolFull) -> None:
        if self._untold is None:
            event_logger().error("the audit log is not told, the journal is kept", detail=error.detail)
        first_lsn = self._untold.first_lsn if self._untold else fresh.first_lsn
        self._untold = Untold(first_lsn, fresh.last_lsn)
        metrics.UNTOLD.set(1)
