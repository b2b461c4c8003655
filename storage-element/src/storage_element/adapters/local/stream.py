"""Bytes on their way into one file of staging: written and hashed by two threads, a few buffers ahead of the sender."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from mmap import mmap
from typing import Protocol

from storage_element.adapters.local.direct import BLOCK_BYTES, BUFFER_BYTES, FIRST_BUFFER_BYTES, Buffers, DirectFile
from storage_element.adapters.pouring import pour

MOST_FLUSHING = 2
"""Buffers that are being written and hashed: a disk that hesitates for a moment does not stop the receiving."""


class Hash(Protocol):
    """What hashlib makes."""

    def update(self, data: memoryview, /) -> None:
        """Take more."""


class _Lane:
    """Work that is done in threads, each piece after the one before; what fails is raised by all that follows."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._last: asyncio.Task[None] | None = None

    def start[*Args](self, work: Callable[[*Args], None], *args: *Args) -> asyncio.Task[None]:
        """Have this done next."""
        self._last = asyncio.create_task(self._after(self._last, work, *args))
        return self._last

    async def settle(self) -> None:
        """Wait until nothing is under way, however it ended."""
        if self._last is not None:
            await asyncio.gather(self._last, return_exceptions=True)

    async def _after[*Args](
        self, before: asyncio.Task[None] | None, work: Callable[[*Args], None], *args: *Args
    ) -> None:
        if before is not None:
            await before
        await asyncio.get_running_loop().run_in_executor(self._executor, work, *args)


class Stream:
    """A few buffers, of which one fills. `hashes` take the bytes in order, and may be asked once `settled`."""

    def __init__(
        self, open_file: Callable[[], DirectFile], executor: Executor, buffers: Buffers, hashes: Sequence[Hash]
    ) -> None:
        self._open_file = open_file
        self._buffers = buffers
        self._hashes = hashes
        self._file: DirectFile | None = None
        self._filling: mmap | None = None
        self._filled = 0
        self._next_bytes = FIRST_BUFFER_BYTES
        self._unhashed_from = 0
        self._writing = _Lane(executor)
        self._hashing = _Lane(executor)
        self._flushing: deque[tuple[mmap, Sequence[asyncio.Task[None]]]] = deque()
        self._writing.start(self._open)

    def go_on_after(self, last_block: bytes) -> None:
        """The file has these bytes already in the block that is written first; they are not hashed again."""
        assert len(last_block) < BLOCK_BYTES, "whole blocks stay as they are"
        room = self.room()
        room[: len(last_block)] = last_block
        self._filled = self._unhashed_from = len(last_block)

    def room(self) -> memoryview:
        """Where the next bytes go."""
        if self._filling is None:
            self._filling, self._next_bytes = self._buffers.take(self._next_bytes), BUFFER_BYTES
        return memoryview(self._filling)[self._filled :]

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""
        assert self._filling is not None, "there was room"
        self._filled += length
        if self._filled == len(self._filling):
            self._start_flush()
            await self._flushed(MOST_FLUSHING)

    async def fill(self, piece: bytes) -> None:
        """Take a piece of any size; returns when there is room for more."""
        await pour(piece, self.room, self.filled)

    async def finish(self, also: Callable[[], None] = lambda: None) -> None:
        """Return when everything is hashed and on stable storage, and `also` was done after that."""
        self._start_flush()
        await self._flushed(0)
        await asyncio.shield(self._writing.start(self._sync, also))

    async def settle(self) -> None:
        """Let go of the file and the buffers, once no thread uses them any more."""
        await self._writing.settle()
        await self._hashing.settle()
        for buffer in (self._filling, *(buffer for buffer, _ in self._flushing)):
            if buffer is not None:
                self._buffers.give(buffer)
        self._filling = None
        self._flushing.clear()
        if self._file is not None:
            self._file.close()

    def _start_flush(self) -> None:
        """Hand the filled buffer to two threads, one that writes and one that hashes, and go on receiving."""
        if self._filling is not None:
            buffer, length, start = self._filling, self._filled, self._unhashed_from
            self._filling, self._filled, self._unhashed_from = None, 0, 0
            written = self._writing.start(self._write, buffer, length)
            hashed = self._hashing.start(self._hash, buffer, start, length)
            self._flushing.append((buffer, (written, hashed)))

    async def _flushed(self, most: int) -> None:
        """Wait until at most `most` buffers are under way. When the request is cancelled the threads work on."""
        while len(self._flushing) > most:
            buffer, tasks = self._flushing[0]
            await asyncio.shield(asyncio.gather(*tasks))
            self._flushing.popleft()
            self._buffers.give(buffer)

    # --- in threads

    def _open(self) -> None:
        self._file = self._open_file()

    def _write(self, buffer: mmap, length: int) -> None:
        assert self._file is not None, "opened before the first flush"
        self._file.append(buffer, length)

    def _hash(self, buffer: mmap, start: int, length: int) -> None:
        with memoryview(buffer) as view:
            for each in self._hashes:
                each.update(view[start:length])

    def _sync(self, also: Callable[[], None]) -> None:
        """Content and name on stable storage: the journal will only speak of them."""
        assert self._file is not None, "opened before the first flush"
        self._file.finish()
        also()
