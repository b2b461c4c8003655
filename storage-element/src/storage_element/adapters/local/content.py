"""Stored content, given out in chunks that never block the loop."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor

from artstore_kit.contracts.errors import ContentCorrupt
from artstore_kit.sendfile import FileSpan
from storage_element.domain.faults import is_passing

CHUNK_BYTES = 1024 * 1024
AHEAD_BYTES = 8 * CHUNK_BYTES
COPIED_BYTES = 128 * 1024
"""Up to here a copy costs less than the system calls that save it."""


class LocalContent:
    """The open content of one file. Its descriptor keeps it readable when it is removed meanwhile."""

    def __init__(self, fd: int, executor: Executor) -> None:
        self._fd = fd
        self._executor = executor
        self.size = os.fstat(fd).st_size

    async def chunks(self, start: int, length: int) -> AsyncIterator[memoryview | FileSpan]:
        """`length` bytes from `start`; `ContentCorrupt` when the file ends before."""
        end = start + length
        while start < end:
            size = min(CHUNK_BYTES, end - start)
            chunk = await (self._span(size, start) if length > COPIED_BYTES else self._read(size, start))
            if not chunk:
                raise ContentCorrupt
            start += len(chunk)
            yield chunk

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self._fd)

    async def _span(self, size: int, offset: int) -> FileSpan:
        """Its end is in memory when all of it is: the kernel reads ahead of what is asked for."""
        byte = bytearray(1)
        if not self._read_from_memory(byte, offset + size - 1):
            await self._in_thread(bytearray(size), offset)
        return FileSpan(self._fd, offset, size)

    async def _read(self, size: int, offset: int) -> memoryview:
        """From the page cache at once; from the disk in a thread."""
        buffer = bytearray(size)
        got = self._read_from_memory(buffer, offset) or await self._in_thread(buffer, offset)
        return memoryview(buffer)[:got]

    def _read_from_memory(self, buffer: bytearray, offset: int) -> int:
        try:
            return os.preadv(self._fd, [buffer], offset, os.RWF_NOWAIT)
        except OSError:  # not in memory, or a file system that cannot say so
            return 0

    async def _in_thread(self, buffer: bytearray, offset: int) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read_from_disk, buffer, offset)

    def _read_from_disk(self, buffer: bytearray, offset: int) -> int:
        """The kernel fetches what comes next while this is being sent, so that it will be found in memory."""
        os.posix_fadvise(self._fd, offset, AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
        try:
            return os.preadv(self._fd, [buffer], offset)
        except OSError as error:
            if is_passing(error):
                raise
            raise ContentCorrupt("The content cannot be read.") from error
