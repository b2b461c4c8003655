"""Receives the content of one upload: small content stays in memory, larger goes to staging, hashed on the way."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from uuid import UUID, uuid4

from storage_element.adapters.disk import sync_directory
from storage_element.adapters.local_files import LocalFiles
from storage_element.domain.records import NO_STAGING

COALESCED_BYTES = 2 * 2**20
_MOST_BUFFERS = 512

type _Work = asyncio.Future[None] | asyncio.Future[tuple[None, None]]


class Staging:
    """One upload on its way in. Memory is bounded by two coalesced batches."""

    def __init__(self, files: LocalFiles, executor: Executor, inline_bytes: int) -> None:
        self._files = files
        self._executor = executor
        self._inline_bytes = inline_bytes
        self._sha256 = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._working: _Work | None = None
        self._fd = -1
        self._handed_over = False
        self.name = NO_STAGING
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Take a part of the content; returns when there is room for more."""
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        self.size += len(chunk)
        if self._waiting_bytes >= COALESCED_BYTES or len(self._waiting) >= _MOST_BUFFERS:
            await self._start_flush()

    async def finish(self) -> tuple[bytes, str]:
        """The content when it may ride in the journal, else nothing (it is staged durably then); and its sha256."""
        if self.name == NO_STAGING and self.size <= self._inline_bytes:
            content = b"".join(self._waiting)
            self._sha256.update(content)
            return content, self._sha256.hexdigest()
        await self._start_flush()
        await self._flushed()
        await self._run(self._in_thread(self._sync))
        return b"", self._sha256.hexdigest()

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
        if self.name != NO_STAGING and not self._handed_over:
            await self._in_thread(self._remove)

    async def _start_flush(self) -> None:
        """Hand the waiting chunks to two threads, one that writes and one that hashes, and go on receiving."""
        await self._flushed()
        if self.name == NO_STAGING:
            await self._run(self._in_thread(self._open))
        chunks, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._working = asyncio.gather(self._in_thread(self._write, chunks), self._in_thread(self._hash, chunks))

    async def _flushed(self) -> None:
        if self._working is not None:
            await self._run(self._working)

    async def _run(self, work: _Work) -> None:
        """Wait for threads. When the request is cancelled they work on: `discard` must wait for them too."""
        self._working = work
        await asyncio.shield(work)
        self._working = None

    def _in_thread[*Args](self, work: Callable[[*Args], None], *args: *Args) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work, *args)

    def _open(self) -> None:
        name = uuid4()
        self._fd = os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self.name = name

    def _write(self, chunks: list[bytes]) -> None:
        pending = list(chunks)
        while pending:
            written = os.writev(self._fd, pending)
            while pending and written >= len(pending[0]):
                written -= len(pending.pop(0))
            if written:
                pending[0] = pending[0][written:]

    def _hash(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self._sha256.update(chunk)

    def _sync(self) -> None:
        """Content and name on stable storage: the journal will only speak of them."""
        os.fdatasync(self._fd)
        self._close()
        sync_directory(self._path(self.name).parent)

    def _remove(self) -> None:
        self._close()
        self._path(self.name).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _path(self, name: UUID) -> Path:
        return self._files.staged(name)
