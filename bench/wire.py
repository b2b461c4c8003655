"""The leanest HTTP/1.1 client that can be written in Python: the load must not cost more than what is loaded."""

import asyncio
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

RECEIVE_BYTES = 2**20
SEND_AHEAD_BYTES = 4 * 2**20
KEPT_BYTES = 2**20
"""Of longer bodies the rest is counted, and hashed when that is wanted, but not kept."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Unexpected(Exception):
    """An answer that this client cannot take, or none at all."""


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    size_bytes: int
    body: bytes
    sha256: str | None


class Connection(asyncio.BufferedProtocol):
    """One kept connection; one request at a time."""

    def __init__(self, *, hashing: bool = False) -> None:
        self._view = memoryview(bytearray(RECEIVE_BYTES))
        self._hashing = hashing
        self._transport: asyncio.Transport | None = None
        self._answered: asyncio.Future[Answer] | None = None
        self._writable = asyncio.Event()
        self._begin()

    @classmethod
    async def to(cls, port: int, *, hashing: bool = False) -> "Connection":
        """Connected to a port of this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(hashing=hashing), "127.0.0.1", port)
        return connection

    async def ask(self, head: bytes, pieces: Iterable[bytes | memoryview] = ()) -> Answer:
        """Send a request, its body no faster than it is taken, and wait for the answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(head)
        for piece in pieces:
            if not self._writable.is_set():
                await self._writable.wait()
            if self._answered.done():
                break  # refused before the body's end
            self._transport.write(piece)
        return await self._answered

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=SEND_AHEAD_BYTES)
        self._writable.set()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's guess, and we know better
        """Where received bytes go: always the same memory."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Take what has come."""
        if self._left is None:
            self._take_head(bytes(self._view[:nbytes]))
        else:
            self._take_body(self._view[:nbytes])

    def pause_writing(self) -> None:
        """Enough is on its way."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """There is room again."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._writable.set()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(Unexpected(f"the connection was closed before the answer was whole: {exc}"))

    # --- one answer

    def _begin(self) -> None:
        self._head = b""
        self._left: int | None = None
        self._size_bytes = 0
        self._body = bytearray()
        self._hasher = hashlib.sha256()

    def _take_head(self, data: bytes) -> None:
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            return
        length = _LENGTH.search(head)
        if length is None:
            self._fail(f"an answer without Content-Length: {head[:200]!r}")
            return
        self._head, self._left = head, int(length[1])
        self._take_body(memoryview(rest))

    def _take_body(self, data: memoryview) -> None:
        assert self._left is not None
        self._left -= len(data)
        self._size_bytes += len(data)
        if self._size_bytes <= KEPT_BYTES:
            self._body += data
        if self._hashing:
            self._hasher.update(data)
        if self._left <= 0:
            self._end()

    def _end(self) -> None:
        status = int(self._head[9:12])
        sha256 = self._hasher.hexdigest() if self._hashing else None
        answer = Answer(status, self._size_bytes, bytes(self._body), sha256)
        self._begin()
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(answer)

    def _fail(self, why: str) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(Unexpected(why))
        self.close()
