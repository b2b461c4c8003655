"""Stored content, read in ranges some of which are fetched ahead."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from artstore_kit.contracts.errors import ContentCorrupt
from storage_element.adapters.s3.attempts import Absent, OutOfRange, Taken
from storage_element.adapters.s3.bucket import Bucket, Object
from storage_element.domain.storage import ContentMissing

FIRST_BYTES = 256 * 1024
"""Read when content is opened: most documents are not longer, and need no second request."""
RANGE_BYTES = 4 * 2**20
READ_AHEAD = 2


async def open_content(bucket: Bucket, key: str) -> "S3Content":
    """The object at `key`, with its beginning; `Absent`."""
    try:
        there = await bucket.get_range(key, 0, FIRST_BYTES - 1)
    except OutOfRange:  # nothing can be read of an empty object
        there = await bucket.get(key)
    return S3Content(bucket, key, there)


class S3Content:
    """The content of one file: only ever of the object that was opened."""

    def __init__(self, bucket: Bucket, key: str, begin: Object) -> None:
        self._bucket = bucket
        self._key = key
        self._begin = begin
        self._coming: deque[asyncio.Task[bytes]] = deque()
        self.size = begin.size

    async def chunks(self, start: int, length: int) -> AsyncIterator[memoryview]:
        """`length` bytes from `start`; `ContentCorrupt` when it ends before, `ContentMissing` when it is removed."""
        end = start + length
        if end > self.size:
            raise ContentCorrupt
        if start < len(self._begin.body):
            chunk = memoryview(self._begin.body)[start:end]
            start += len(chunk)
            if chunk:
                yield chunk
        while start < end or self._coming:
            while start < end and len(self._coming) < READ_AHEAD:
                length = min(RANGE_BYTES, end - start)
                self._coming.append(asyncio.create_task(self._read(start, length)))
                start += length
            yield memoryview(await self._coming.popleft())

    def close(self) -> None:
        """Fetch nothing more."""
        while self._coming:
            self._coming.pop().cancel()

    async def _read(self, start: int, length: int) -> bytes:
        try:
            there = await self._bucket.get_range(self._key, start, start + length - 1, self._begin.etag)
        except (Absent, Taken, OutOfRange):
            raise ContentMissing(f"{self._key} was removed while it was being read") from None
        if len(there.body) != length:
            raise ContentCorrupt
        return there.body
