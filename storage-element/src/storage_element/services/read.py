"""Reading files: attributes with a memory, content in chunks that never block the loop."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from uuid import UUID

from cachetools import LRUCache
from pydantic import ValidationError

from artstore_kit.contracts import modes
from artstore_kit.contracts.errors import ContentCorrupt
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Operation
from storage_element.adapters.local_files import LocalFiles
from storage_element.adapters.superblocks import Superblocks

CHUNK_BYTES = 1024 * 1024
AHEAD_BYTES = 8 * CHUNK_BYTES
REMEMBERED_FILES = 20_000


class StoredContent:
    """The open content of one file."""

    def __init__(self, fd: int, executor: Executor) -> None:
        self._fd = fd
        self._executor = executor

    async def chunks(self, start: int, length: int) -> AsyncIterator[memoryview]:
        """`length` bytes from `start`; `ContentCorrupt` when the file ends before."""
        end = start + length
        while start < end:
            chunk = await self._read(min(CHUNK_BYTES, end - start), start)
            if not chunk:
                raise ContentCorrupt
            start += len(chunk)
            yield chunk

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


class Reader:
    """What the element shows of its files."""

    def __init__(self, files: LocalFiles, superblocks: Superblocks, executor: Executor) -> None:
        self._files = files
        self._superblocks = superblocks
        self._executor = executor
        self._remembered: LRUCache[UUID, FileAttributes] = LRUCache(REMEMBERED_FILES)
        self._forgotten = 0

    async def attributes(self, file_id: UUID) -> FileAttributes:
        """The newest attributes of a file; `FileUnknown` when there is none."""
        remembered = self._remembered.get(file_id)
        if remembered is not None:
            return remembered
        forgotten = self._forgotten
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(self._executor, self._files.read_attributes, file_id)
        file = _parsed(file_id, data)
        if forgotten == self._forgotten:
            self._remembered[file_id] = file
        return file

    def forget(self, file_id: UUID) -> None:
        """The file changes: what was remembered of it, or is being read at this moment, is old."""
        self._forgotten += 1
        self._remembered.pop(file_id, None)

    @asynccontextmanager
    async def content(self, file: FileAttributes) -> AsyncIterator[StoredContent]:
        """The content of a file, of the right size; `ContentCorrupt` when it is not."""
        modes.require(self._superblocks.current.mode, Operation.READ_CONTENT)
        fd = await self._open(file)
        try:
            yield StoredContent(fd, self._executor)
        finally:
            os.close(fd)

    async def _open(self, file: FileAttributes) -> int:
        try:
            fd = self._files.open_content(file.file_id, file.content.version)
        except FileNotFoundError:
            self.forget(file.file_id)
            await self.attributes(file.file_id)  # FileUnknown when it was removed meanwhile
            raise ContentCorrupt(f"The content of {file.file_id} is missing.") from None
        if os.fstat(fd).st_size != file.content.stored_size:
            os.close(fd)
            raise ContentCorrupt(f"The content of {file.file_id} does not have its size.")
        return fd


def _parsed(file_id: UUID, data: bytes) -> FileAttributes:
    try:
        return FileAttributes.model_validate_json(data)
    except ValidationError as error:
        raise ContentCorrupt(f"The attributes of {file_id} cannot be read.") from error
