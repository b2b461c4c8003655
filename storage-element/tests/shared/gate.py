"""A gate before a server: closed, it cuts what is open and takes no connection, as if the server were away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa

from artstore_kit.settings import PostgresSettings


class Gate:
    """`async with open_gate(postgres) as gate`: reach the database through `gate.settings`."""

    def __init__(self, behind: PostgresSettings) -> None:
        self._behind = sa.make_url(behind.url)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.settings = behind

    async def open(self) -> None:
        """Let connections through; at the same port as before."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        url = self._behind.set(host="127.0.0.1", port=self._port).render_as_string(hide_password=False)
        self.settings = self.settings.model_copy(update={"url": url, "connect_timeout_s": 0.5})

    async def close(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._behind.host, self._behind.port)
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()
        self._open.discard(writer)


@asynccontextmanager
async def open_gate(behind: PostgresSettings) -> AsyncIterator[Gate]:
    """An open gate."""
    gate = Gate(behind)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.close()
