"""Keeps count of one request as it passes: what its metrics and its line in the access log say."""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache

from prometheus_client import Counter, Histogram
from starlette.types import Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from artstore_kit import metrics
from artstore_kit.connection import READ_INTO, SEND_FILE
from artstore_kit.contracts.errors import BodyTimeout
from artstore_kit.sendfile import FileSpan

REQUEST_ID_HEADER = b"x-request-id"
CLIENT_GONE = 499
"""The status of a request whose sender went away before it was answered."""
UNMATCHED = "unmatched"
"""The route of a request that no route answers."""
_QUIET = ("/health/", "/metrics")


class Tally:
    """Stands between the server and the application; adds the request id to the answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, body_idle_s: float) -> None:
        self.scope = scope
        self.request_id = request_id
        self.route = UNMATCHED
        self.status = CLIENT_GONE
        self.code = ""
        self.cause = ""
        self.started = False
        self.finished = False
        self.disconnected = False
        self.before_head: Callable[[], None] | None = None
        self.received_bytes = 0
        self.sent_bytes = 0
        self._began = time.perf_counter()
        self._receive = receive
        self._body_idle_s = body_idle_s
        self._body_ended = False
        self._send = send
        extensions = scope.get("extensions", {})
        self._read_into, self._send_file = extensions.get(READ_INTO), extensions.get(SEND_FILE)
        if self._read_into:
            extensions[READ_INTO] = self.read_into
        if self._send_file:
            extensions[SEND_FILE] = self.send_file

    async def receive(self) -> Message:
        """The next message of the request, counted."""
        try:
            async with asyncio.timeout(None if self._body_ended else self._body_idle_s):
                message = await self._receive()
        except TimeoutError:
            raise self._idle() from None
        if message["type"] == "http.disconnect":
            self.disconnected = True
        else:
            self._body_ended = not message.get("more_body", False)
            self.received_bytes += len(message.get("body", b""))
        return message

    async def read_into(self, memory: memoryview) -> int:
        """Receive a part of the body into memory, counted."""
        try:
            length: int = await self._read_into(memory, self._body_idle_s)
        except TimeoutError:
            raise self._idle() from None
        self.received_bytes += length
        return length

    async def send(self, message: Message) -> None:
        """Pass a message of the answer on, counted."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            if self.before_head:
                self.before_head()
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, self.request_id.encode())]
        else:
            self.sent_bytes += len(message.get("body", b""))
            self.finished = not message.get("more_body", False)
        await self._send(message)

    async def send_file(self, span: FileSpan) -> None:
        """Send a part of the answer out of a file, counted."""
        self.sent_bytes += span.size
        await self._send_file(span)

    def _idle(self) -> BodyTimeout:
        """A sender who says that much will come, and sends nothing, would keep the room for it from all others."""
        return BodyTimeout(f"Nothing of the body came for {self._body_idle_s:g} s.", headers={"Connection": "close"})

    def account(self, log: FilteringBoundLogger) -> None:
        """The request is over: count it, and write its line unless it only asked for health."""
        seconds = time.perf_counter() - self._began
        requests, durations, received, sent = _meters(self.scope["method"], self.route, self.status)
        requests.inc()
        durations.observe(seconds)
        received.inc(self.received_bytes)
        sent.inc(self.sent_bytes)
        if not self.scope["path"].startswith(_QUIET):
            self._write_line(seconds, log)

    def _write_line(self, seconds: float, log: FilteringBoundLogger) -> None:
        client = self.scope.get("client")
        wrong = {name: value for name, value in (("code", self.code), ("cause", self.cause)) if value}
        log.info(
            "request",
            method=self.scope["method"],
            path=self.scope["path"],
            route=self.route,
            status=self.status,
            duration_ms=round(seconds * 1000, 2),
            received_bytes=self.received_bytes,
            sent_bytes=self.sent_bytes,
            client=client[0] if client else "",
            **wrong,
        )


@lru_cache(maxsize=4096)
def _meters(method: str, route: str, status: int) -> tuple[Counter, Histogram, Counter, Counter]:
    """Looking a metric's child up takes longer than counting with it."""
    return (
        metrics.REQUESTS.labels(method, route, status),
        metrics.SECONDS.labels(method, route),
        metrics.RECEIVED_BYTES.labels(route),
        metrics.SENT_BYTES.labels(route),
    )
