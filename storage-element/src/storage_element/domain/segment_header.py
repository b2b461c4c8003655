"""How a segment of the journal begins (docs/formats/journal.md)."""

import json
from dataclasses import dataclass
from typing import Self

from storage_element.domain.storage import JournalDamaged

FORMAT = "artstore-journal"
VERSION = 2
"""Of segments that are begun now. In those of version 1 no record has an origin; they are read like any other."""

READABLE = frozenset({1, VERSION})
HEADER_BYTES = 512


@dataclass(frozen=True)
class SegmentHeader:
    """Whose segment it is, where it begins, who began it, and with what its checksums begin."""

    element_id: str
    first_lsn: int
    epoch: int
    salt: int

    def to_bytes(self) -> bytes:
        """The first 512 bytes of the segment."""
        fields = {
            "format": FORMAT,
            "version": VERSION,
            "element": self.element_id,
            "first_lsn": self.first_lsn,
            "epoch": self.epoch,
            "salt": self.salt,
        }
        return json.dumps(fields).encode().ljust(HEADER_BYTES - 1) + b"\n"

    @classmethod
    def parse(cls, data: bytes, name: str, element_id: str, first_lsn: int) -> Self:
        """The header of the segment `name`; `JournalDamaged` when it is none, or not the one that is expected."""
        try:
            fields = json.loads(data)
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            raise JournalDamaged(f"{name}: the header cannot be read")
        if fields.get("element") != element_id:
            raise JournalDamaged(f"{name}: belongs to the element {fields.get('element')!r}")
        version, first, epoch, salt = (fields.get(each) for each in ("version", "first_lsn", "epoch", "salt"))
        if version not in READABLE or first != first_lsn or not isinstance(salt, int) or not isinstance(epoch, int):
            raise JournalDamaged(f"{name}: version {version}, first LSN {first}, epoch {epoch}, salt {salt}")
        return cls(element_id, first_lsn, epoch, salt)
