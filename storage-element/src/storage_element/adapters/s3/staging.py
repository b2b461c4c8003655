"""Receives the content of one upload: small content stays in memory, larger goes to the bucket in parts."""

import asyncio
import hashlib
from collections import deque
from uuid import UUID, uuid4

from artstore_kit.contracts.errors import FileTooLarge, StorageUnavailable
from artstore_kit.logs import event_logger
from storage_element.adapters.pouring import pour
from storage_element.adapters.s3.multipart import MOST_PARTS, Multipart, Part, Upload
from storage_element.adapters.s3.staged import EPOCH, StagedContent, StagedContents
from storage_element.domain.records import NO_STAGING

MOST_SENDING = 3
"""Parts that are on their way to the store, beside the one that fills."""


class S3Staging:
    """One upload on its way in. In memory: what may become inline content, or a few parts."""

    def __init__(
        self,
        multipart: Multipart,
        staged: StagedContents,
        key: str,
        *,
        epoch: int,
        inline_bytes: int,
        part_bytes: int,
    ) -> None:
        self._multipart = multipart
        self._staged = staged
        self._key = key
        self._epoch = epoch
        self._inline_bytes = inline_bytes
        self._part_bytes = part_bytes
        self._sha256 = hashlib.sha256()
        self._small: list[bytes] = []
        self._filling: bytearray | None = None
        self._filled = 0
        self._upload: Upload | None = None
        self._sending: deque[asyncio.Task[Part]] = deque()
        self._parts: list[Part] = []
        self._handed_over = False
        self.size = 0
        self.name: UUID = NO_STAGING

    @property
    def is_small(self) -> bool:
        """Whether all that came so far may ride in the journal."""
        return self.size <= self._inline_bytes

    @property
    def is_in_memory(self) -> bool:
        """Whether there is nothing to leave behind."""
        return self._upload is None

    async def write(self, chunk: bytes) -> None:
        """Take a part of the content; returns when there is room for more."""
        self.size += len(chunk)
        self._small.append(chunk)
        if self.is_small:
            return
        small, self._small = self._small, []
        for piece in small:
            await pour(piece, self.room, self._advance)

    def room(self) -> memoryview:
        """Where the next part of larger content goes."""
        if self._filling is None:
            self._filling, self._filled = bytearray(self._part_bytes), 0
        return memoryview(self._filling)[self._filled :]

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""
        self.size += length
        await self._advance(length)

    async def finish(self) -> tuple[bytes, str]:
        """The content when it may ride in the journal, else nothing (the bucket has all its parts then); its sha256."""
        if self.is_small:
            content = b"".join(self._small)
            self._sha256.update(content)
            return content, self._sha256.hexdigest()
        await self._send()
        await self._sent(0)
        assert self._upload is not None, "the last part was sent"
        await self._multipart.must_have(self._upload, self._parts)
        self.name = uuid4()
        await self._staged.note(self.name, StagedContent(upload=self._upload, parts=self._parts, size=self.size))
        return b"", self._sha256.hexdigest()

    def hand_over(self) -> None:
        """From here on the journal may name what is staged: unless it is taken back, only recovery may remove it."""
        self._handed_over = True

    def take_back(self) -> None:
        """The journal does not name it: it was refused."""
        self._handed_over = False

    async def discard(self) -> None:
        """Leave nothing behind that is not handed over; when the store is away, the next recovery does."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        self._sending.clear()
        self._filling = None
        if self._upload is not None and not self._handed_over:
            try:
                await self._staged.forget(self.name, self._upload)
            except StorageUnavailable:
                event_logger().warning("staged content is left to the next recovery", key=self._key)

    async def _advance(self, length: int) -> None:
        self._filled += length
        if self._filled == self._part_bytes:
            await self._send()
            await self._sent(MOST_SENDING)

    async def _send(self) -> None:
        """Let the store have what has come since the last part."""
        if self._filling is None:
            return
        data: bytes | bytearray = self._filling
        if self._filled < self._part_bytes:
            data = bytes(memoryview(self._filling)[: self._filled])
        self._filling = None
        number = len(self._parts) + len(self._sending) + 1
        if number > MOST_PARTS:
            raise FileTooLarge(f"The store takes {MOST_PARTS} parts of {self._part_bytes} bytes for a file.")
        if self._upload is None:
            self._upload = await self._multipart.begin(self._key, {EPOCH: str(self._epoch)})
        await asyncio.to_thread(self._sha256.update, data)
        self._sending.append(asyncio.create_task(self._multipart.put(self._upload, number, data)))

    async def _sent(self, most: int) -> None:
        while len(self._sending) > most:
            self._parts.append(await self._sending[0])
            self._sending.popleft()
