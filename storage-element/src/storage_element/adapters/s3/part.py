"""One part of an upload that is sent in parts: put into pieces of its own, each an object."""

import asyncio
from collections import deque
from collections.abc import Sequence
from uuid import UUID, uuid4

from artstore_kit.contracts.errors import FileTooLarge
from storage_element.adapters.pouring import pour
from storage_element.adapters.s3.bucket import Bucket, NotKept
from storage_element.adapters.s3.multipart import MOST_PARTS
from storage_element.adapters.s3.pieces import Piece
from storage_element.domain import layout
from storage_element.domain.incoming import Hash

MOST_SENDING = 3


class S3Part:
    """The pieces before it, and those that it adds. When it breaks off nobody names what it added."""

    def __init__(
        self,
        bucket: Bucket,
        upload_id: UUID,
        before: Sequence[Piece],
        begin: bytes,
        hashes: Sequence[Hash],
        *,
        piece_bytes: int,
    ) -> None:
        self._bucket = bucket
        self._upload_id = upload_id
        self.pieces = list(before)
        self._hashes = hashes
        self._piece_bytes = piece_bytes
        self._filling = bytearray(piece_bytes)
        self._filling[: len(begin)] = begin
        self._filled = len(begin)
        self._sending: deque[asyncio.Task[Piece]] = deque()
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        """Take some bytes; returns when there is room for more."""
        await pour(chunk, self.room, self.filled)

    def room(self) -> memoryview:
        """Where the next bytes go."""
        return memoryview(self._filling)[self._filled :]

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""
        new = memoryview(self._filling)[self._filled : self._filled + length]
        for each in self._hashes:
            each.update(new)
        self.size += length
        self._filled += length
        if self._filled == self._piece_bytes:
            self._send()
            await self._sent(MOST_SENDING)

    async def finish(self) -> None:
        """Return when the bucket has all of it."""
        if self._filled:
            self._send()
        await self._sent(0)

    async def settle(self) -> None:
        """Send nothing more."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _send(self) -> None:
        if len(self.pieces) + len(self._sending) == MOST_PARTS:
            raise FileTooLarge(f"The store takes {MOST_PARTS} parts of {self._piece_bytes} bytes for a file.")
        data = bytes(memoryview(self._filling)[: self._filled])
        self._filled = 0
        self._sending.append(asyncio.create_task(self._put(data)))

    async def _put(self, data: bytes) -> Piece:
        key = f"{layout.STAGING}/{self._upload_id}.{uuid4().hex}"
        etag = await self._bucket.put(key, data)
        kept = await self._bucket.head(key)
        if kept is None or (kept.etag, kept.size) != (etag, len(data)):
            raise NotKept(f"{key}: the store does not have what it said it had")
        return Piece(key=key, size=len(data), etag=etag)

    async def _sent(self, most: int) -> None:
        while len(self._sending) > most:
            self.pieces.append(await self._sending[0])
            self._sending.popleft()
