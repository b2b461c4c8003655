"""Receives the content of one upload: small content stays in memory, larger goes to staging, hashed on the way."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from mmap import mmap
from pathlib import Path
from uuid import UUID, uuid4

from storage_element.adapters.direct import BUFFER_BYTES, Buffers, DirectFile
from storage_element.adapters.disk import sync_directory
from storage_element.adapters.local_files import LocalFiles
from storage_element.domain.records import NO_STAGING

type _Work = asyncio.Future[None] | asyncio.Future[tuple[None, None]]


class Staging:
    """One upload on its way in. In memory: what may become inline content, or two buffers, of which one fills."""

    def __init__(self, files: LocalFiles, executor: Executor, buffers: Buffers, inline_bytes: int) -> None:
        self._files = files
        self._executor = executor
        self._buffers = buffers
        self._inline_bytes = inline_bytes
        self._sha256 = hashlib.sha256()
        self._small: list[bytes] = []
        self._filling: mmap | None = None
        self._filled = 0
        self._worked_on: mmap | None = None
        self._working: _Work | None = None
        self._file: DirectFile | None = None
        self._handed_over = False
        self.name = NO_STAGING
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Take a part of the content; returns when there is room for more."""
        self.size += len(chunk)
        if self.size <= self._inline_bytes:
            self._small.append(chunk)
            return
        small, self._small = self._small, []
        for piece in (*small, chunk):
            await self._fill(piece)

    async def finish(self) -> tuple[bytes, str]:
        """The content when it may ride in the journal, else nothing (it is staged durably then); and its sha256."""
        if self.size <= self._inline_bytes:
            content = b"".join(self._small)
            self._sha256.update(content)
            return content, self._sha256.hexdigest()
        await self._start_flush()
        await self._flushed()
        await self._run(self._in_thread(self._sync))
        return b"", self._sha256.hexdigest()

    @property
    def is_in_memory(self) -> bool:
        """Whether there is nothing to leave behind."""
        return self._file is None and self._working is None and self._filling is None

    def hand_over(self) -> None:
        """From here on the journal may name what is staged: unless it is taken back, only recovery may remove it."""
        self._handed_over = True

    def take_back(self) -> None:
        """The journal does not name it: it was refused."""
        self._handed_over = False

    async def discard(self) -> None:
        """Leave nothing behind that is not handed over."""
        if self._working is not None:
            await asyncio.gather(self._working, return_exceptions=True)
        for buffer in (self._filling, self._worked_on):
            if buffer is not None:
                self._buffers.give(buffer)
        self._filling = self._worked_on = None
        if self.name != NO_STAGING and not self._handed_over:
            await self._in_thread(self._remove)

    async def _fill(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            if self._filling is None:
                self._filling = self._buffers.take()
            end = min(self._filled + len(rest), BUFFER_BYTES)
            self._filling[self._filled : end] = rest[: end - self._filled]
            rest = rest[end - self._filled :]
            self._filled = end
            if end == BUFFER_BYTES:
                await self._start_flush()

    async def _start_flush(self) -> None:
        """Hand the filled buffer to two threads, one that writes and one that hashes, and go on receiving."""
        await self._flushed()
        if self._file is None:
            await self._run(self._in_thread(self._open))
        if self._filling is not None:
            buffer, length = self._filling, self._filled
            self._filling, self._filled, self._worked_on = None, 0, buffer
            self._working = asyncio.gather(
                self._in_thread(self._write, buffer, length), self._in_thread(self._hash, buffer, length)
            )

    async def _flushed(self) -> None:
        if self._working is not None:
            await self._run(self._working)
        if self._worked_on is not None:
            self._buffers.give(self._worked_on)
            self._worked_on = None

    async def _run(self, work: _Work) -> None:
        """Wait for threads. When the request is cancelled they work on: `discard` must wait for them too."""
        self._working = work
        await asyncio.shield(work)
        self._working = None

    def _in_thread[*Args](self, work: Callable[[*Args], None], *args: *Args) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work, *args)

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
