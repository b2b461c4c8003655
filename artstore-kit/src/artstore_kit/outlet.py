"""The way out for one answer: its head leaves together with what follows it at once, in one system call."""

import asyncio

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Outlet:
    """What uvicorn writes the answer to one request to."""

    def __init__(
        self, cycle: RequestResponseCycle, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._cycle = cycle
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._begun = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the answer."""
        if not data:
            self.let_head_out()  # an empty piece among others keeps uvloop's transport from ever closing
        elif self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif self._begun or self._nothing_follows():
            self._transport.write(data)
        else:
            self._head, self._begun = bytes(data), True
            self._loop.call_soon(self.let_head_out)

    def let_head_out(self) -> None:
        """Nothing has followed so far."""
        head, self._head = self._head, b""
        if head and not self.is_closing():
            self._transport.write(head)

    def close(self) -> None:
        """End the connection when all is sent."""
        self.let_head_out()
        self._transport.close()

    def _nothing_follows(self) -> bool:
        """Not even an empty piece: after "100 Continue", or the answer to HEAD."""
        return not self._cycle.response_started or self._cycle.scope["method"] == "HEAD"
