"""The journal's segments on disk: append and sync, read back, close and drop (docs/formats/journal.md)."""

import errno
import json
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from storage_element.adapters.disk import sync_directory
from storage_element.domain.records import BadFrame, Frame, Record, decode, encode, frames_after

FORMAT = "artstore-journal"
HEADER_BYTES = 512
_MOST_BUFFERS = 512


class JournalDamaged(Exception):
    """The journal is damaged where it was already acknowledged; nothing was changed or deleted."""


class JournalFull(Exception):
    """There is no room for another segment; nothing was written."""


@dataclass
class _Active:
    path: Path
    fd: int
    size: int
    offset: int


class Journal:
    """The segments in one directory. Not for use by two threads at once."""

    def __init__(self, directory: Path, element_id: str, segment_bytes: int) -> None:
        self._directory = directory
        self._element_id = element_id
        self._segment_bytes = segment_bytes
        self._active: _Active | None = None
        self.next_lsn = 1
        self.durable_lsn = 0
        self.epoch = 0
        self.written_bytes = 0

    # --- writing

    def start(self, next_lsn: int, epoch: int) -> None:
        """Begin to write at `next_lsn`, in a new segment."""
        self.next_lsn, self.durable_lsn, self.epoch = next_lsn, next_lsn - 1, epoch
        self._active = self._new_segment(0)

    def append(self, records: Sequence[Record]) -> None:
        """Write `records`, which begin at `next_lsn`, and return when they are on stable storage.

        `JournalFull` when nothing was written; any other `OSError` leaves it open what was.
        """
        frames = [encode(record, self.durable_lsn) for record in records]
        size = sum(map(len, frames))
        active = self._room_for(size)
        _write_all_at(active.fd, frames, active.offset)
        os.fdatasync(active.fd)
        active.offset += size
        self.written_bytes += size
        self.next_lsn = records[-1].lsn + 1
        self.durable_lsn = records[-1].lsn

    def rotate(self) -> list[Path]:
        """Go on in a new segment; the older ones, which a checkpoint may drop once what they cover is synced."""
        closed = [path for path in self.segments() if self._active is None or path != self._active.path]
        if self._active is not None and self._active.offset > HEADER_BYTES:
            closed.append(self._active.path)
            self._renew(0)
        self.written_bytes = 0
        return closed

    def drop(self, closed: Sequence[Path]) -> None:
        """Remove segments, oldest first, so that a crash in between leaves no gap."""
        for path in sorted(closed):
            path.unlink()
            sync_directory(self._directory)

    def close(self) -> None:
        """Let go of the active segment."""
        if self._active is not None:
            os.close(self._active.fd)
            self._active = None

    def _room_for(self, size: int) -> _Active:
        assert self._active is not None, "start() comes first"
        if self._active.offset + size > self._active.size:
            self._renew(size)
        return self._active

    def _renew(self, size: int) -> None:
        old, self._active = self._active, self._new_segment(size)
        if old is not None:
            os.close(old.fd)

    def _new_segment(self, at_least_bytes: int) -> _Active:
        """A segment with its room allocated and its name durable, so that appending changes no metadata."""
        path = self._directory / f"{self.next_lsn:020d}.wal"
        size = max(self._segment_bytes, HEADER_BYTES + at_least_bytes)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(fd, 0, size)
            _write_all_at(fd, [self._header()], 0)
            os.fsync(fd)
            sync_directory(self._directory)
        except OSError as error:
            os.close(fd)
            path.unlink()
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise JournalFull from error
            raise
        return _Active(path, fd, size, HEADER_BYTES)

    def _header(self) -> bytes:
        fields = {
            "format": FORMAT,
            "version": 1,
            "element": self._element_id,
            "first_lsn": self.next_lsn,
            "epoch": self.epoch,
        }
        return json.dumps(fields).encode().ljust(HEADER_BYTES - 1) + b"\n"

    # --- reading

    def segments(self) -> list[Path]:
        """All segments, oldest first."""
        return sorted(self._directory.glob("*.wal"))

    def read(self) -> Iterator[Record]:
        """Every acknowledged record in LSN order; the torn tail, if there is one, is cut off the disk on the way.

        `JournalDamaged` when what was acknowledged cannot be read.
        """
        paths = self.segments()
        expected: int | None = None
        for path in paths:
            first = int(path.stem)
            if expected is not None and first != expected:
                raise JournalDamaged(f"{path.name}: begins at LSN {first}; {expected} was expected")
            expected = yield from self._read_segment(path, first, is_last=path == paths[-1])

    def _read_segment(self, path: Path, expected: int, *, is_last: bool) -> Generator[Record, None, int]:
        with path.open("rb") as file:
            if not self._has_header(file.read(HEADER_BYTES), path, is_last=is_last):
                return expected
            with mmap(file.fileno(), 0, access=ACCESS_READ) as segment:
                offset = HEADER_BYTES
                while (frame := _next_frame(segment, offset, expected)) is not None:
                    yield frame.record
                    offset += frame.size
                    expected += 1
                _nothing_acknowledged_follows(segment, offset, expected, path)
                torn = any(segment[offset : offset + 8]) or segment.find(b"ASJ1", offset) >= 0
        if torn:
            _cut(path, offset)
        return expected

    def _has_header(self, header: bytes, path: Path, *, is_last: bool) -> bool:
        try:
            fields = json.loads(header)
        except ValueError:
            fields = None
        if not isinstance(fields, dict) or fields.get("format") != FORMAT:
            if is_last and not header.strip(b"\0 \n"):
                return False  # the crash came before the header: no record can have been acknowledged
            raise JournalDamaged(f"{path.name}: the header cannot be read")
        if fields.get("element") != self._element_id:
            raise JournalDamaged(f"{path.name}: belongs to the element {fields.get('element')!r}")
        if fields.get("version") != 1 or fields.get("first_lsn") != int(path.stem):
            raise JournalDamaged(f"{path.name}: version {fields.get('version')}, first LSN {fields.get('first_lsn')}")
        return True


def _next_frame(segment: mmap, offset: int, expected: int) -> Frame | None:
    try:
        frame = decode(segment, offset)
    except BadFrame:
        return None
    return frame if frame.record.lsn == expected else None


def _nothing_acknowledged_follows(segment: mmap, offset: int, expected: int, path: Path) -> None:
    """A bad frame is a torn tail unless a later frame says that this LSN was durable when it was written."""
    for frame in frames_after(segment, offset):
        if frame.durable_lsn >= expected:
            raise JournalDamaged(
                f"{path.name}: the record with LSN {expected} at byte {offset} is damaged, and it was acknowledged. "
                "Nothing was changed. Restore this segment from a copy, or move it away to give up its records."
            )


def _cut(path: Path, offset: int) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, offset)
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all_at(fd: int, frames: Sequence[bytes], offset: int) -> None:
    pending = [memoryview(frame) for frame in frames]
    while pending:
        written = os.pwritev(fd, pending[:_MOST_BUFFERS], offset)
        offset += written
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if written:
            pending[0] = pending[0][written:]
