"""A gate before any TCP server: closed it takes no connection, silent it answers none, as if packets were dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class TcpGate:
    """`async with tcp_gate(port) as gate`: reach the server at `gate.port`."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._silent = False
        self.port = 0

    async def open(self) -> None:
        """Let everything through."""
        await self.close()
        self._silent = False
        await self._listen()

    async def silence(self) -> None:
        """Take connections and answer nothing."""
        await self.close()
        self._silent = True
        await self._listen()

    async def close(self) -> None:
        """Cut everything, and take no connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._silent:
            self._writers.add(writer)
            with suppress(OSError):
                while await reader.read(65_536):
                    pass
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)


@asynccontextmanager
async def tcp_gate(behind: int) -> AsyncIterator[TcpGate]:
    """An open gate before the server at this port."""
    gate = TcpGate(behind)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.close()
