"""Receives the content of one upload: small content stays in memory, larger goes to staging, hashed on the way."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from mmap import mmap
from pathlib import Path
from uuid import UUID, uuid4

from storage_element.adapters.local.direct import BUFFER_BYTES, FIRST_BUFFER_BYTES, Buffers, DirectFile
from storage_element.adapters.local.disk import sync_directory
from storage_element.adapters.local.files import LocalFiles
from storage_element.domain.records import NO_STAGING

MOST_FLUSHING = 2
"""Buffers that are being written and hashed: a disk that hesitates for a moment does not stop the receiving."""


class _Lane:
    """Work that is done in threads, each piece after the one before; what fails is raised by all that follows."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._last: asyncio.Task[None] | None = None

    def start[*Args](self, work: Callable[[*Args], None], *args: *Args) -> asyncio.Task[None]:
        """Have this done next."""
        self._last = asyncio.create_task(self._after(self._last, work, *args))
        return self._last

    @property
    def is_unused(self) -> bool:
        """Whether nothing was ever started."""
        return self._last is None

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


class Staging:
    """One upload on its way in. In memory: what may become inline content, or a few buffers, of which one fills."""

    def __init__(self, files: LocalFiles, executor: Executor, buffers: Buffers, inline_bytes: int) -> None:
        self._files = files
        self._executor = executor
        self._buffers = buffers
        self._inline_bytes = inline_bytes
        self._sha256 = hashlib.sha256()
        self._small: list[bytes] = []
        self._filling: mmap | None = None
        self._filled = 0
        self._writing = _Lane(executor)
        self._hashing = _Lane(executor)
        self._flushing: deque[tuple[mmap, Sequence[asyncio.Task[None]]]] = deque()
        self._file: DirectFile | None = None
        self._handed_over = False
        self.name = NO_STAGING
        self.size = 0

    @property
    def is_small(self) -> bool:
        """Whether all that came so far may ride in the journal."""
        return self.size <= self._inline_bytes

    async def write(self, chunk: bytes) -> None:
        """Take a part of the content; returns when there is room for more."""
        self.size += len(chunk)
        self._small.append(chunk)
        if self.is_small:
            return
        small, self._small = self._small, []
        for piece in small:
            await self._fill(piece)

    def room(self) -> memoryview:
        """Where the next part of larger content goes."""
        if self._filling is None:
            self._filling = self._buffers.take(FIRST_BUFFER_BYTES if self._writing.is_unused else BUFFER_BYTES)
        return memoryview(self._filling)[self._filled :]

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""
        self.size += length
        await self._advance(length)

    async def _advance(self, length: int) -> None:
        assert self._filling is not None, "there was room"
        self._filled += length
        if self._filled == len(self._filling):
            self._start_flush()
            await self._flushed(MOST_FLUSHING)

    async def finish(self) -> tuple[bytes, str]:
        """The content when it may ride in the journal, else nothing (it is staged durably then); and its sha256."""
        if self.is_small:
            content = b"".join(self._small)
            self._sha256.update(content)
            return content, self._sha256.hexdigest()
        self._start_flush()
        await self._flushed(0)
        await asyncio.shield(self._writing.start(self._sync))
        return b"", self._sha256.hexdigest()

    @property
    def is_in_memory(self) -> bool:
        """Whether there is nothing to leave behind."""
        return self._filling is None and self._writing.is_unused

    def hand_over(self) -> None:
        """From here on the journal may name what is staged: unless it is taken back, only recovery may remove it."""
        self._handed_over = True

    def take_back(self) -> None:
        """The journal does not name it: it was refused."""
        self._handed_over = False

    async def discard(self) -> None:
        """Leave nothing behind that is not handed over."""
        await self._writing.settle()
        await self._hashing.settle()
        for buffer in (self._filling, *(buffer for buffer, _ in self._flushing)):
            if buffer is not None:
                self._buffers.give(buffer)
        self._filling = None
        self._flushing.clear()
        if self.name != NO_STAGING and not self._handed_over:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._remove)

    async def _fill(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            room = self.room()
            length = min(len(rest), len(room))
            room[:length] = rest[:length]
            rest = rest[length:]
            await self._advance(length)

    def _start_flush(self) -> None:
        """Hand the filled buffer to two threads, one that writes and one that hashes, and go on receiving."""
        if self._writing.is_unused:
            self._writing.start(self._open)
        if self._filling is not None:
            work = self._filling, self._filled
            self._filling, self._filled = None, 0
            tasks = self._writing.start(self._write, *work), self._hashing.start(self._hash, *work)
            self._flushing.append((work[0], tasks))

    async def _flushed(self, most: int) -> None:
        """Wait until at most `most` buffers are under way. When the request is cancelled the threads work on."""
        while len(self._flushing) > most:
            buffer, tasks = self._flushing[0]
            await asyncio.shield(asyncio.gather(*tasks))
            self._flushing.popleft()
            self._buffers.give(buffer)

    def _open(self) -> None:
        name = uuid4()
        self._file = DirectFile(self._path(name))
        self.name = name

    def _write(self, buffer: mmap, length: int) -> None:
        assert self._file is not None, "opened before the first flush"
        self._file.append(buffer, length)

    def _hash(self, buffer: mmap, length: int) -> None:
        with memoryview(buffer) as view:
            self._sha256.update(view[:length])

    def _sync(self) -> None:
        """Content and name on stable storage: the journal will only speak of them."""
        assert self._file is not None, "opened before the first flush"
        self._file.finish()
        sync_directory(self._path(self.name).parent)

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
        self._path(self.name).unlink(missing_ok=True)

    def _path(self, name: UUID) -> Path:
        return self._files.staged(name)
