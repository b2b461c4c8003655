"""The content of a file as it arrives: going on by itself after a cut, and checked against its sha-256 at the end."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from uuid import UUID

import aiohttp

from artstore.connection import Connection, Request
from artstore.problems import unreachable
from artstore.retry import pauses, persist
from artstore_kit.contracts.errors import ArtStoreError, DigestMismatch, RevisionMismatch

HASHED_IN_A_THREAD_BYTES = 1 << 15
_ETAG = re.compile(r'"([0-9a-f]{64})"')
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class ContentStream:
    """Iterate once over the bytes of a file. A stream that ends without an error gave exactly the stored bytes."""

    def __init__(self, connection: Connection, file_id: UUID) -> None:
        self.file_id = file_id
        self.size_bytes = 0
        self.position = 0
        self.etag = ""
        self.media_type = ""
        self._connection = connection
        self._response: aiohttp.ClientResponse | None = None
        self._hasher = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The digest that the content must have."""
        return self.etag.strip('"')

    async def begin(self, *, position: int = 0, etag: str = "", hasher: "hashlib._Hash | None" = None) -> None:
        """Ask for the content from `position` on, if its ETag is still `etag`; otherwise it comes from the beginning.

        `hasher` has taken in what lies before `position`.
        """
        await persist(lambda: self._ask(position, etag))
        self._hasher = hasher if hasher is not None and self.position == position else hashlib.sha256()

    def close(self) -> None:
        """Give up what has not arrived yet."""
        if self._response is not None:
            self._response.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        async for chunk in self._chunks():
            if len(chunk) < HASHED_IN_A_THREAD_BYTES:
                self._hasher.update(chunk)
                yield chunk
            else:
                hashing = loop.run_in_executor(None, self._hasher.update, chunk)
                yield chunk
                await hashing
        if self._hasher.hexdigest() != self.sha256:
            raise DigestMismatch(f"What arrived of {self.file_id} does not have its sha-256; it must not be used.")

    async def _chunks(self) -> AsyncIterator[bytes]:
        waits = pauses()
        while True:
            try:
                async for chunk in self._arriving():
                    self.position += len(chunk)
                    waits = pauses()
                    yield chunk
            except ArtStoreError:
                pause_s = next(waits, None)
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
                await self._go_on()
            else:
                return

    async def _arriving(self) -> AsyncIterator[bytes]:
        assert self._response is not None
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise unreachable(str(self._response.url), error) from error

    async def _go_on(self) -> None:
        position, etag = self.position, self.etag
        await persist(lambda: self._ask(position, etag))
        if self.position != position or self.etag != etag:
            self.close()
            raise RevisionMismatch("The content was replaced while it was being read; read it again.")

    async def _ask(self, position: int, etag: str) -> None:
        url = f"{self._connection.query}/files/{self.file_id}/content"
        headers = {"Range": f"bytes={position}-", "If-Range": etag} if position else {}
        self._response = await self._connection.begin(Request("GET", url, headers=headers))
        self._read_headers(self._response)

    def _read_headers(self, response: aiohttp.ClientResponse) -> None:
        etag = _ETAG.fullmatch(response.headers.get("ETag", ""))
        part = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if etag is None or (response.status == 206) != (part is not None):
            response.close()
            raise ArtStoreError(f"{response.url} answered without a usable ETag or Content-Range.")
        self.etag = etag[0]
        self.media_type = response.headers.get("Content-Type", "application/octet-stream")
        self.position = int(part[1]) if part else 0
        self.size_bytes = int(part[2]) if part else response.content_length or 0
