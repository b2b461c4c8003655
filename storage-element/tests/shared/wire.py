"""Requests written by hand, for what no HTTP client would send."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send as it is."""
        self.writer.write(data)
        await self.writer.drain()

    async def start(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Send the head of a request."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        await self.send(f"{method} {path} HTTP/1.1\r\nHost: element\r\n{lines}\r\n".encode())

    async def status(self, within_s: float = 5) -> int:
        """The status of the next answer, which is read to its end."""
        async with asyncio.timeout(within_s):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = head.partition("content-length: ")[2].split("\r\n")[0]
            await self.reader.readexactly(int(length or 0))
        return int(head.split()[1])

    async def ended(self, within_s: float = 5) -> bytes:
        """What still comes until the other side closes."""
        async with asyncio.timeout(within_s):
            return await self.reader.read()

    def cut(self) -> None:
        """Go away without a word."""
        self.writer.transport.abort()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """A connection to the server at `url`."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    wire = Wire(reader, writer)
    try:
        yield wire
    finally:
        wire.cut()
