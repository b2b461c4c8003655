"""Journal records and their frames, as docs/formats/journal.md describes them."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from mmap import mmap
from uuid import UUID

from artstore_kit.start import StartRefused

MAGIC = b"ASJ1"
ALIGNMENT = 8
_HEADER = struct.Struct("<4sIQQQB3xIII16s16s")
_CHECKED_FROM = 8
HEADER_BYTES = _HEADER.size
NO_STAGING = UUID(int=0)


class Kind(IntEnum):
    """What a record does. Numbers are on the disk: never reuse one."""

    CREATE_INLINE = 1
    CREATE_STAGED = 2
    CHANGE = 3
    REMOVE = 4
    REPLACE_INLINE = 5
    REPLACE_STAGED = 6

    @property
    def creates(self) -> bool:
        """Whether the file must not exist yet."""
        return self in {Kind.CREATE_INLINE, Kind.CREATE_STAGED}


@dataclass(frozen=True, slots=True)
class Record:
    """One operation on one file.

    `attributes` are the bytes of attr.json after the operation (of the last revision, for a removal). `content` is
    the stored content when it rides inside; `staging` names where it was staged otherwise. Which version of the content
    that is stands in the attributes; a create's is 1. `origin` is who wanted it (`domain/origin`); empty in records of
    version 1, and where nobody is known.
    """

    lsn: int
    epoch: int
    kind: Kind
    file_id: UUID
    attributes: bytes
    content: bytes = b""
    staging: UUID = NO_STAGING
    origin: bytes = b""


KINDS = frozenset(Kind)


class UnknownKind(StartRefused):
    """An intact record of a later version: it can neither be replayed nor passed over."""


class BadFrame(Exception):
    """There is no whole, intact frame at this place."""


def frame_bytes(record: Record) -> int:
    """How long the frame of `record` is."""
    size = HEADER_BYTES + len(record.attributes) + len(record.content) + len(record.origin)
    return size + -size % ALIGNMENT


def encode(record: Record, durable_lsn: int, salt: int) -> bytes:
    """The frame of `record`. `durable_lsn` is the last LSN known to be on stable storage before this write.

    `salt` is the segment's, and secret: content that looks like a frame is none.
    """
    frame = bytearray(frame_bytes(record))
    _HEADER.pack_into(
        frame,
        0,
        MAGIC,
        0,
        record.lsn,
        durable_lsn,
        record.epoch,
        record.kind,
        len(record.attributes),
        len(record.content),
        len(record.origin),
        record.staging.bytes,
        record.file_id.bytes,
    )
    offset = HEADER_BYTES
    for part in (record.attributes, record.content, record.origin):
        frame[offset : offset + len(part)] = part
        offset += len(part)
    struct.pack_into("<I", frame, 4, zlib.crc32(memoryview(frame)[_CHECKED_FROM:], salt))
    return bytes(frame)


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame: its record, how long it is, and what was durable when it was written."""

    record: Record
    durable_lsn: int
    size: int


type Segment = bytes | mmap


def decode(segment: Segment, offset: int, salt: int) -> Frame:
    """The frame at `offset`; `BadFrame` when it is torn, damaged or absent."""
    if offset + HEADER_BYTES > len(segment):
        raise BadFrame("the segment ends")
    magic, checksum, lsn, durable_lsn, epoch, kind, attributes_size, content_size, origin_size, staging, file_id = (
        _HEADER.unpack_from(segment, offset)
    )
    size = HEADER_BYTES + attributes_size + content_size + origin_size
    end = offset + size + -size % ALIGNMENT
    if magic != MAGIC or end > len(segment):
        raise BadFrame("no frame begins here")
    if zlib.crc32(segment[offset + _CHECKED_FROM : end], salt) != checksum:
        raise BadFrame("the checksum does not match")
    if kind not in KINDS:
        raise UnknownKind(f"the record with LSN {lsn} is of kind {kind}, which this version does not know")
    content = offset + HEADER_BYTES + attributes_size
    origin = content + content_size
    record = Record(
        lsn,
        epoch,
        Kind(kind),
        UUID(bytes=file_id),
        segment[offset + HEADER_BYTES : content],
        segment[content:origin],
        UUID(bytes=staging),
        segment[origin : origin + origin_size],
    )
    return Frame(record, durable_lsn, end - offset)


def frames_after(segment: Segment, offset: int, salt: int) -> Iterator[Frame]:
    """Every intact frame at or after `offset`, whatever lies between them."""
    while (offset := segment.find(MAGIC, offset)) >= 0:
        try:
            frame = decode(segment, offset, salt)
        except BadFrame:
            offset += 1
            continue
        yield frame
        offset += frame.size
