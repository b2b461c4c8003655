"""Changes as the audit log is told of them: an entry for each record of the journal, the same each time it is told."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from pydantic_core import from_json

from artstore_kit.contracts.audit import entry_id_text
from artstore_kit.contracts.files import FileAttributes
from storage_element.domain.origin import MOMENT, SERVICE
from storage_element.domain.records import Record


class Spool(Protocol):
    """Where entries wait on this machine until the audit log has them; `artstore_kit.audit.spool` is the real one."""

    def keep(self, lines: Sequence[bytes]) -> None:
        """Keep entries, where kill -9 does not lose them; `AuditSpoolFull` when none of them is kept."""

    async def synced(self) -> None:
        """Return when all that was kept is on stable storage; `AuditSpoolFault`."""


class Deed(NamedTuple):
    """What an entry says of the file beside its id."""

    collection: str
    revision: int
    sha256: str
    size: int

    @classmethod
    def on(cls, file: FileAttributes) -> Self:
        """The file as it is after the change; as it was, for a removal."""
        return cls(file.collection, file.revision, file.content.sha256, file.content.size)

    @classmethod
    def of(cls, record: Record) -> Self:
        """The same, out of the record's attributes."""
        file = from_json(record.attributes)
        return cls(file["collection"], file["revision"], file["content"]["sha256"], file["content"]["size"])


def entry_line(element_id: str, record: Record, deed: Deed) -> bytes:
    """The entry of a record that has an origin, as one line of JSON.

    Its id follows from what stands in the record: told again after a crash, by whichever node, it counts once. None of
    the texts can hold what JSON would have to escape.
    """
    [moment_ms] = MOMENT.unpack_from(record.origin)
    entry_id = entry_id_text(moment_ms, element_id, record.epoch, record.lsn)
    said = (
        f'{{"entry_id":"{entry_id}","service":"{SERVICE}","node":"{element_id}","resource":"file:{record.file_id}",'
        f'"detail":{{"collection":"{deed.collection}","revision":{deed.revision},"sha256":"{deed.sha256}",'
        f'"size":{deed.size},"lsn":{record.lsn}}},'
    )
    return said.encode() + record.origin[MOMENT.size + 1 :] + b"\n"
