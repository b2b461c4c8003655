"""uvicorn's HTTP/1.1 connection, in which a body costs one copy, or none: it can be received straight into the memory
that will be written to disk, and sent straight from the file that it lies in."""

import asyncio
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from artstore_kit.outlet import Outlet
from artstore_kit.sendfile import FileSpan, send_span

RECEIVED_AT_ONCE_BYTES = 4 * 1024 * 1024
AWAITED_BYTES = 8 * 1024 * 1024
"""Of a fast sender so much is let come before it is taken: on a machine that is busy with hashing, waking up costs more
than copying."""
PATIENCE_S = 1.0
"""After that, whatever has come is taken: the sender has slowed down."""
FAST_BYTES = 256 * 1024
"""Who sends so much from one read to the next is fast; from all others whatever has come is taken at once."""
HEAD_LIMIT_BYTES = 64 * 1024
"""Of a request's line and headers: they are held in memory before anybody is asked who they are."""
HEADERS_LIMIT = 256
HEAD_WITHIN_S = 30.0
"""So long the first head of a connection may take, and any that does not come in one piece."""
_END_OF_HEAD = b"\r\n\r\n"
_TOO_LONG = "The head of the request is too long."
READ_INTO = "artstore.read_into"
"""The ASGI extension (its specification, section "Extensions") of a request whose body has an announced length: an
async function that fills the memory given to it with the body's next bytes, and returns how many there were. There
are fewer than fit at the end of the body, or of the connection: `receive` tells which. `TimeoutError` when for so many
seconds as are given too, or for up to twice as long, nothing came."""

SEND_FILE = "artstore.send_file"
"""The ASGI extension of a GET request: an async function that sends a `FileSpan` as a part of the answer's body, in the
place of a message "http.response.body". The answer has an announced length, and ends with such a message."""


def connections() -> Callable[..., "Connection"]:
    """What one server makes its connections with. They share the memory that is received into: each is read, and what
    came is taken away, before it is the next one's turn."""
    return partial(Connection, memoryview(bytearray(RECEIVED_AT_ONCE_BYTES)))


class Connection(asyncio.BufferedProtocol):
    """Receives from the network for uvicorn."""

    def __init__(self, memory: memoryview, **of_uvicorn: Any) -> None:
        self._memory = memory
        self._http = http = _Http(**of_uvicorn)
        # Assigned, because a call less counts for small files.
        self.connection_made = http.connection_made  # type: ignore[method-assign, assignment]
        self.connection_lost = http.connection_lost  # type: ignore[method-assign]
        self.eof_received = http.eof_received  # type: ignore[method-assign]
        self.pause_writing = http.pause_writing  # type: ignore[method-assign]
        self.resume_writing = http.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's guess
        """Where the next bytes go."""
        return self._memory if self._http.wanted is None else self._http.wanted

    def buffer_updated(self, nbytes: int) -> None:
        """So many have come."""
        http = self._http
        offered = len(self._memory if http.wanted is None else http.wanted)
        if http.wanted is None:
            http.data_received(bytes(self._memory[:nbytes]))
        else:
            http.filled(nbytes)
        if http.awaits_much or FAST_BYTES <= nbytes < offered:  # nothing else waits in the kernel
            http.choose_when_to_wake()


class _HeadTooLong(Exception):
    """The parser passes it on as its own error, which is answered with 400."""


class _Http(HttpToolsProtocol):
    """Shows its parser heads, and bodies without an announced length."""

    left = 0
    """Of a body whose length was announced: the bytes that have not come yet."""
    wanted: memoryview | None = None
    """Where they shall go. Never longer than they are."""
    awaits_much = False
    """Whether the kernel tells only of `AWAITED_BYTES`, or of the connection's end."""
    _patience: asyncio.TimerHandle | None = None
    _in_head = True
    _heads = 0
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_WITHIN_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def on_headers_complete(self) -> None:
        if len(self.headers) > HEADERS_LIMIT:
            raise _HeadTooLong
        self._heads += 1
        self._in_head, self._head_bytes = False, 0
        if self._head_timer:
            self._end_head()
        super().on_headers_complete()
        self.cycle.transport = Outlet(self.cycle, self.transport, self.loop)  # type: ignore[assignment]
        if not self.parser.should_upgrade():
            self.left = next((int(value) for name, value in self.headers if name == b"content-length"), 0)
        if self.left:
            extension = partial(self._read_into, self.cycle)
            self.scope["extensions"] = {READ_INTO: extension}  # type: ignore[dict-item]
        elif self.scope["method"] == "GET" and not self.transport.get_extra_info("sslcontext"):
            self.scope["extensions"] = {SEND_FILE: partial(self._send_file, self.cycle)}  # type: ignore[dict-item]

    def data_received(self, data: bytes) -> None:
        if not self.left:
            self._parse(data)
            return
        self._unset_keepalive_if_required()
        body = data[: self.left]
        self.on_body(body)
        self._end_body_if_complete()
        if len(body) < len(data):
            self._parse(data[len(body) :])

    def _parse(self, data: bytes) -> None:
        """What is no body of an announced length. A head that has no end is not read on and on."""
        was_in_head, heads = self._in_head, self._heads
        if was_in_head and len(data) > HEAD_LIMIT_BYTES and data.find(_END_OF_HEAD, 0, HEAD_LIMIT_BYTES) < 0:
            self.send_400_response(_TOO_LONG)
            return
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._await_head(len(data) if was_in_head and heads == self._heads else 0)

    def _await_head(self, nbytes: int) -> None:
        """A part of a head has come, or nothing of the next one."""
        self._head_bytes += nbytes
        if self._head_bytes > HEAD_LIMIT_BYTES:
            self.send_400_response(_TOO_LONG)
        elif nbytes and self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self.transport.close)

    def _end_head(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def on_body(self, body: bytes) -> None:
        if self.left:
            self.left -= len(body)
        cycle = self.cycle
        if cycle.response_complete:
            return
        # uvicorn's own makes a copy for its bytearray, and one more of that.
        cycle.body = b"".join((cycle.body, body)) if cycle.body else body  # type: ignore[assignment]
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def filled(self, nbytes: int) -> None:
        """So many bytes have come to where they were wanted."""
        assert self.wanted is not None
        self._unset_keepalive_if_required()
        self.left -= nbytes
        self.wanted = self.wanted[nbytes:] or None
        if self.wanted is None:
            self.flow.pause_reading()
            self.cycle.message_event.set()
        self._end_body_if_complete()

    def choose_when_to_wake(self) -> None:
        """Of the end of a body every byte is told (socket(7), SO_RCVLOWAT)."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self.left >= 2 * AWAITED_BYTES:
            self._await_much(True)
            self._patience = self.loop.call_later(PATIENCE_S, self._await_much, False)
        else:
            self._await_much(False)

    def _await_much(self, much: bool) -> None:
        if much != self.awaits_much and not self.transport.is_closing():
            self.awaits_much = much
            connection: socket.socket = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, AWAITED_BYTES if much else 1)

    async def _read_into(self, cycle: RequestResponseCycle, memory: memoryview, idle_s: float | None = None) -> int:
        waiting = cycle.body[: len(memory)]
        memory[: len(waiting)] = waiting
        cycle.body = cycle.body[len(waiting) :]
        filled = len(waiting)
        wanted = min(len(memory) - filled, self.left) if cycle.more_body else 0
        if wanted and not cycle.disconnected:
            self.wanted = memory[filled : filled + wanted]
            try:
                await self._wait_until_filled(cycle, idle_s)
            finally:
                filled += wanted - len(self.wanted or b"")
                self.wanted = None
        return filled

    async def _wait_until_filled(self, cycle: RequestResponseCycle, idle_s: float | None) -> None:
        self.flow.resume_reading()
        while self.wanted is not None and not cycle.disconnected:
            cycle.message_event.clear()
            left = self.left
            try:
                async with asyncio.timeout(idle_s):
                    await cycle.message_event.wait()
            except TimeoutError:
                if self.left == left:
                    raise

    async def _send_file(self, cycle: RequestResponseCycle, span: FileSpan) -> None:
        if not self.transport.is_closing():
            await self._let_all_out(cycle)
        if self.transport.is_closing():
            cycle.disconnected = True  # it is told so only when the loop comes round
            return
        if cycle.expected_content_length < span.size:
            raise RuntimeError("the answer would become longer than its Content-Length")
        # The loop watches the connection's own descriptor for what comes in.
        connection = os.dup(self.transport.get_extra_info("socket").fileno())
        try:
            await send_span(connection, span)
            cycle.expected_content_length -= span.size
            await asyncio.sleep(0)  # a fast receiver never makes us wait, and others shall have their turn
        except ConnectionError:
            self.transport.abort()
            cycle.disconnected = True
        finally:
            os.close(connection)

    async def _let_all_out(self, cycle: RequestResponseCycle) -> None:
        """What was written before comes first."""
        cast(Outlet, cycle.transport).let_head_out()
        self.transport.set_write_buffer_limits(0)
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            await asyncio.sleep(0)  # until the loop has tried to write, and tells when it cannot
            await self.flow.drain()

    def _end_body_if_complete(self) -> None:
        """The parser, which did not see all of the body, cannot know that a new request may follow."""
        if not self.left:
            self.on_message_complete()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
