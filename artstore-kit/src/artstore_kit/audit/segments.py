"""The spool's files: numbered segments of JSON lines, of which the newest alone is written to."""

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

SUFFIX = ".jsonl"


class Segment:
    """The file that entries are appended to."""

    def __init__(self, directory: Path, number: int) -> None:
        """A new one; `OSError` when it cannot be made."""
        self.number = number
        self.size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(path_of(directory, number), flags, 0o600)

    def append(self, lines: bytes) -> None:
        """One write. All of it is in the file, where kill -9 cannot take it away; or none, and `OSError`."""
        if os.write(self._descriptor, lines) < len(lines):
            os.ftruncate(self._descriptor, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += len(lines)

    def sync(self) -> None:
        """Everything that was appended is on stable storage; `OSError` when nobody knows."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def path_of(directory: Path, number: int) -> Path:
    """Where a segment lies."""
    return directory / f"{number:012d}{SUFFIX}"


def sizes_in(directory: Path) -> dict[int, int]:
    """Each segment's size in bytes, by its number, the oldest first."""
    found = {int(path.stem): path.stat().st_size for path in directory.glob(f"*{SUFFIX}") if path.stem.isdecimal()}
    return dict(sorted(found.items()))


def whole_lines(path: Path, offset: int, limit_bytes: int) -> list[bytes]:
    """The lines from `offset` on that lie whole within `limit_bytes`, each with its end."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(limit_bytes)
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def count_lines(path: Path, offset: int) -> int:
    """How many lines end behind `offset`."""
    return sum(chunk.count(b"\n") for chunk in _chunks(path, offset))


def _chunks(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while chunk := file.read(2**20):
            yield chunk


def sync_all_in(directory: Path, numbers: Iterable[int]) -> None:
    """What a process wrote that was killed is on stable storage too."""
    for number in numbers:
        descriptor = os.open(path_of(directory, number), os.O_WRONLY)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """The names of new segments are on stable storage."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
