"""One segment of the journal on disk: made with its room allocated, appended to, read (docs/formats/journal.md)."""

import json
import os
import secrets
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, Self

from storage_element.adapters.local.disk import create
from storage_element.domain.records import BadFrame, Frame, Record, decode, frames_after
from storage_element.domain.segment_header import HEADER_BYTES, SegmentHeader
from storage_element.domain.storage import JournalDamaged

_MOST_BUFFERS = 512
_CHUNK_BYTES = 2**20


@dataclass
class Segment:
    """The segment that is being written. Its frames begin at `HEADER_BYTES` and carry its salt."""

    path: Path
    salt: int
    size_bytes: int
    _fd: int
    _offset: int = HEADER_BYTES

    @classmethod
    def make(cls, path: Path, fresh: str, element_id: str, epoch: int, size_bytes: int) -> Self:
        """A segment with its room allocated, so that appending changes no metadata.

        It is made at `fresh`, and takes its place when it is whole; then its name is to be synced.
        """
        salt = secrets.randbits(32)
        try:
            fd = _allocated(fresh, path, _header(path, element_id, epoch, salt), size_bytes)
        except OSError:
            Path(fresh).unlink(missing_ok=True)
            raise
        return cls(path, salt, size_bytes, fd)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was appended yet."""
        return self._offset == HEADER_BYTES

    def has_room(self, size_bytes: int) -> bool:
        """Whether frames of so many bytes fit."""
        return self._offset + size_bytes <= self.size_bytes

    def append(self, frames: Sequence[bytes]) -> int:
        """Return when `frames` are on stable storage; how many bytes they have."""
        end = _write_all_at(self._fd, frames, self._offset)
        os.fdatasync(self._fd)
        written_bytes, self._offset = end - self._offset, end
        return written_bytes

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def read_segment(path: Path, element_id: str, expected: int, *, is_last: bool) -> Generator[Record, None, int]:
    """The records of a segment, the first of which has the LSN `expected`; returns the LSN that follows them.

    `JournalDamaged` when what was acknowledged cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if is_last and _is_unused(header, file):
            return expected
        salt = _salt(header, path, element_id)
        with mmap(file.fileno(), 0, access=ACCESS_READ) as segment:
            offset = HEADER_BYTES
            while (frame := _next_frame(segment, offset, expected, salt)) is not None:
                yield frame.record
                offset += frame.size
                expected += 1
            _nothing_acknowledged_follows(segment, offset, expected, salt, path)
    return expected


def epoch_of(path: Path) -> int | None:
    """In which epoch a segment was begun; None when that cannot be read, because it is just being made or dropped."""
    try:
        with path.open("rb") as file:
            epoch = json.loads(file.read(HEADER_BYTES))["epoch"]
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None
    return epoch if isinstance(epoch, int) else None


def _header(path: Path, element_id: str, epoch: int, salt: int) -> bytes:
    return SegmentHeader(element_id, int(path.stem), epoch, salt).to_bytes()


def _is_unused(header: bytes, rest: BinaryIO) -> bool:
    """The crash came before the header was whole. It is synced before the first record: nothing may follow it."""
    chunks = iter(lambda: rest.read(_CHUNK_BYTES), b"")
    return header[HEADER_BYTES - 1 :] != b"\n" and not any(chunk.strip(b"\0") for chunk in chunks)


def _salt(header: bytes, path: Path, element_id: str) -> int:
    return SegmentHeader.parse(header, path.name, element_id, int(path.stem)).salt


def _next_frame(segment: mmap, offset: int, expected: int, salt: int) -> Frame | None:
    try:
        frame = decode(segment, offset, salt)
    except BadFrame:
        return None
    return frame if frame.record.lsn == expected else None


def _nothing_acknowledged_follows(segment: mmap, offset: int, expected: int, salt: int, path: Path) -> None:
    """A bad frame is a torn tail unless a later frame says that this LSN was durable when it was written."""
    for frame in frames_after(segment, offset, salt):
        if frame.durable_lsn >= expected:
            raise JournalDamaged(
                f"{path.name}: the record with LSN {expected} at byte {offset} is damaged, and it was acknowledged. "
                "Nothing was changed. Restore this segment from a copy."
            )


def _allocated(fresh: str, path: Path, header: bytes, size_bytes: int) -> int:
    fd = create(fresh)
    try:
        os.posix_fallocate(fd, 0, size_bytes)
        _write_all_at(fd, [header], 0)
        os.fsync(fd)
        Path(fresh).rename(path)
    except OSError:
        os.close(fd)
        raise
    return fd


def _write_all_at(fd: int, frames: Sequence[bytes], offset: int) -> int:
    """Where what was written ends."""
    pending = [memoryview(frame) for frame in frames]
    while pending:
        written = os.pwritev(fd, pending[:_MOST_BUFFERS], offset)
        offset += written
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if written:
            pending[0] = pending[0][written:]
    return offset
