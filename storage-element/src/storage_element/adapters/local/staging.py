"""Receives the content of one upload: small content stays in memory, larger goes to staging, hashed on the way."""

import asyncio
import hashlib
from concurrent.futures import Executor
from functools import partial
from uuid import uuid4

from storage_element.adapters.local.direct import Buffers, DirectFile
from storage_element.adapters.local.disk import sync_directory
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.stream import Stream
from storage_element.domain.records import NO_STAGING


class Staging:
    """One upload on its way in. In memory: what may become inline content, or a few buffers, of which one fills."""

    def __init__(self, files: LocalFiles, executor: Executor, buffers: Buffers, inline_bytes: int) -> None:
        self._files = files
        self._executor = executor
        self._buffers = buffers
        self._inline_bytes = inline_bytes
        self._sha256 = hashlib.sha256()
        self._small: list[bytes] = []
        self._stream: Stream | None = None
        self._handed_over = False
        self.name = NO_STAGING
        self.size = 0

    @property
    def is_small(self) -> bool:
        """Whether all that came so far may ride in the journal."""
        return self.size <= self._inline_bytes

    @property
    def is_in_memory(self) -> bool:
        """Whether there is nothing to leave behind."""
        return self._stream is None

    async def write(self, chunk: bytes) -> None:
        """Take a part of the content; returns when there is room for more."""
        self.size += len(chunk)
        self._small.append(chunk)
        if self.is_small:
            return
        small, self._small = self._small, []
        for piece in small:
            await self._larger().fill(piece)

    def room(self) -> memoryview:
        """Where the next part of larger content goes."""
        return self._larger().room()

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""
        self.size += length
        await self._larger().filled(length)

    async def finish(self) -> tuple[bytes, str]:
        """The content when it may ride in the journal, else nothing (it is staged durably then); and its sha256."""
        if self._stream is None:
            content = b"".join(self._small)
            self._sha256.update(content)
            return content, self._sha256.hexdigest()
        await self._stream.finish(self._sync_name)
        return b"", self._sha256.hexdigest()

    def hand_over(self) -> None:
        """From here on the journal may name what is staged: unless it is taken back, only recovery may remove it."""
        self._handed_over = True

    def take_back(self) -> None:
        """The journal does not name it: it was refused."""
        self._handed_over = False

    async def discard(self) -> None:
        """Leave nothing behind that is not handed over."""
        if self._stream is None:
            return
        await self._stream.settle()
        if not self._handed_over:
            path = self._files.staged(self.name)
            await asyncio.get_running_loop().run_in_executor(self._executor, partial(path.unlink, missing_ok=True))

    def _larger(self) -> Stream:
        if self._stream is None:
            self.name = uuid4()
            self._stream = Stream(self._opened, self._executor, self._buffers, [self._sha256])
        return self._stream

    def _opened(self) -> DirectFile:
        with self._files.fence.guarding():
            return DirectFile(self._files.staged(self.name))

    def _sync_name(self) -> None:
        with self._files.fence.guarding():
            sync_directory(self._files.staged(self.name).parent)
