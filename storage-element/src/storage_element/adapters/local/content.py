"""Stored content, read in chunks that never block the loop."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor

from artstore_kit.contracts.errors import ContentCorrupt

CHUNK_BYTES = 1024 * 1024
AHEAD_BYTES = 8 * CHUNK_BYTES


class LocalContent:
    """The open content of one file. Its descriptor keeps it readable when it is removed meanwhile."""

    def __init__(self, fd: int, executor: Executor) -> None:
        self._fd = fd
        self._executor = executor
        self.size = os.fstat(fd).st_size

    async def chunks(self, start: int, length: int) -> AsyncIterator[memoryview]:
        """`length` bytes from `start`; `ContentCorrupt` when the file ends before."""
        end = start + length
        while start < end:
            chunk = await self._read(min(CHUNK_BYTES, end - start), start)
            if not chunk:
                raise ContentCorrupt
            start += len(chunk)
            yield chunk

    def close(self) -> None:
        """Let go of the descriptor."""
        os.close(self._fd)

    async def _read(self, size: int, offset: int) -> memoryview:
        """From the page cache at once; from the disk in a thread."""
        buffer = bytearray(size)
        try:
            got = os.preadv(self._fd, [buffer], offset, os.RWF_NOWAIT)
        except OSError:  # not in memory, or a file system that cannot say so
            got = 0
        if got == 0:
            loop = asyncio.get_running_loop()
            got = await loop.run_in_executor(self._executor, self._read_from_disk, buffer, offset)
        return memoryview(buffer)[:got]

    def _read_from_disk(self, buffer: bytearray, offset: int) -> int:
        """The kernel fetches what comes next while this is being sent, so that it will be found in memory."""
        os.posix_fadvise(self._fd, offset, AHEAD_BYTES, os.POSIX_FADV_WILLNEED)
        return os.preadv(self._fd, [buffer], offset)
