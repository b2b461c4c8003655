"""Writes large content past the page cache, in aligned buffers that are used again: filling fresh pages of the
cache costs more than the disk does (open(2), O_DIRECT)."""

import errno
import os
from collections import defaultdict
from contextlib import suppress
from mmap import MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_PRIVATE, mmap
from pathlib import Path
from typing import Self

FIRST_BUFFER_BYTES = 1024 * 1024
"""An upload's first buffer: most files need no other one."""
BUFFER_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 4096
_IDLE_BYTES = 32 * 1024 * 1024
"""Of each size."""


class Buffers:
    """Page-aligned buffers, kept for the next upload."""

    def __init__(self) -> None:
        self._idle: defaultdict[int, list[mmap]] = defaultdict(list)

    def take(self, size: int) -> mmap:
        """A buffer of this size in bytes, whole blocks, with anything in it."""
        idle = self._idle[size]
        return idle.pop() if idle else _new(size)

    def give(self, buffer: mmap) -> None:
        """Give back a buffer that nobody reads or writes any more."""
        idle = self._idle[len(buffer)]
        if len(idle) < _IDLE_BYTES // len(buffer):
            idle.append(buffer)


class DirectFile:
    """A file that is filled from its beginning, or a later block; only the last piece may be shorter than a buffer."""

    def __init__(self, path: Path) -> None:
        """A new one."""
        self._fd = _open(path, os.O_CREAT | os.O_EXCL)
        self._size = 0

    @classmethod
    def resumed(cls, path: Path, at: int) -> Self:
        """One that is there, to be written anew from the block on that holds byte `at`."""
        file = cls.__new__(cls)
        file._fd = _open(path, 0)
        file._size = at - at % BLOCK_BYTES
        return file

    def append(self, buffer: mmap, length: int) -> None:
        """Write the first `length` bytes of `buffer`, in whole blocks."""
        padded = length + -length % BLOCK_BYTES
        buffer[length:padded] = bytes(padded - length)
        rest = memoryview(buffer)[:padded]
        offset = self._size
        while rest:
            written = os.pwrite(self._fd, rest, offset)
            rest, offset = rest[written:], offset + written
        self._size += length

    def finish(self) -> None:
        """Cut off what the last block was filled up with, and return when the content is on stable storage."""
        os.ftruncate(self._fd, self._size)
        os.fdatasync(self._fd)
        self.close()

    def close(self) -> None:
        """Let go of the file, finished or not."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _new(size: int) -> mmap:
    """In huge pages where the system has them: the disk is given 512 times fewer addresses (madvise(2))."""
    buffer = mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages
        buffer.madvise(MADV_HUGEPAGE)
    return buffer


def _open(path: Path, how: int) -> int:
    flags = os.O_WRONLY | os.O_CLOEXEC | how
    try:
        return os.open(path, flags | os.O_DIRECT, 0o640)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # The file system has no direct writes (tmpfs); it may have made the name before it refused.
        return os.open(path, flags & ~os.O_EXCL, 0o640)
