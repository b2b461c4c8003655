"""One object of the journal: a segment (docs/formats/journal.md) that is written at once and whole."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from storage_element.domain import layout
from storage_element.domain.records import BadFrame, Record, decode, encode
from storage_element.domain.segment_header import HEADER_BYTES, SegmentHeader
from storage_element.domain.storage import JournalDamaged


@dataclass(frozen=True)
class Segment:
    """What one object says."""

    epoch: int
    records: Sequence[Record]


def key_of(first_lsn: int) -> str:
    """Where the segment that begins with this LSN lies."""
    return f"{layout.JOURNAL}/{first_lsn:020d}.wal"


def first_lsn_of(key: str) -> int | None:
    """The LSN with which the segment begins, if it is one."""
    stem, _, suffix = key.removeprefix(f"{layout.JOURNAL}/").partition(".")
    return int(stem) if suffix == "wal" and stem.isdecimal() else None


def to_bytes(records: Sequence[Record], element_id: str, durable_lsn: int) -> bytes:
    """A segment of these records; its salt is its own, so that no two are alike."""
    salt = secrets.randbits(32)
    header = SegmentHeader(element_id, records[0].lsn, records[0].epoch, salt)
    return b"".join([header.to_bytes(), *(encode(record, durable_lsn, salt) for record in records)])


def from_bytes(key: str, data: bytes, element_id: str) -> Segment:
    """The records of a segment; `JournalDamaged`. An object is there whole or not at all: no tail of it is torn."""
    first = first_lsn_of(key) or 0
    header = SegmentHeader.parse(data[:HEADER_BYTES], key, element_id, first)
    records: list[Record] = []
    offset = HEADER_BYTES
    while offset < len(data):
        try:
            frame = decode(data, offset, header.salt)
        except BadFrame as error:
            raise _damaged(key, offset, str(error)) from None
        if frame.record.lsn != first + len(records):
            raise _damaged(key, offset, f"LSN {frame.record.lsn} is not {first + len(records)}")
        records.append(frame.record)
        offset += frame.size
    if not records:
        raise _damaged(key, offset, "there is no record")
    return Segment(header.epoch, records)


def _damaged(key: str, offset: int, problem: str) -> JournalDamaged:
    return JournalDamaged(f"{key} at byte {offset}: {problem}. Nothing was changed. Restore this object from a copy.")
