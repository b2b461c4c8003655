"""Senders that go away, stall, or send other than they announced."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from artstore_kit.contracts.identity import Scope
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import StandInElement

FILES = "/api/v1/files"
CHUNK = bytes(1024 * 1024)
type Start = Callable[..., Awaitable[httpx.AsyncClient]]
type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(client: httpx.AsyncClient, *headers: str) -> AsyncIterator[Connection]:
    """A connection on which the head of an upload was sent."""
    port = urlsplit(str(client.base_url)).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"POST {FILES}?name=a HTTP/1.1", "Host: ingester", *headers]
    if not any(header.startswith("Authorization") for header in headers):
        lines.append(f"Authorization: {client.headers['Authorization']}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (it happens in another's connection)
            await asyncio.sleep(0.01)


async def test_rights_are_checked_before_the_body(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    token = admin.mint.mint(grants=[])
    async with connected(client, f"Authorization: Bearer {token}", "Content-Length: 100000") as (reader, _):
        assert b"403" in await asyncio.wait_for(reader.readline(), 5)
    token = admin.mint.mint(scopes=[Scope.FILES_READ])
    form = "Content-Type: multipart/form-data; boundary=x"
    async with connected(client, f"Authorization: Bearer {token}", "Content-Length: 9", form) as (reader, _):
        assert b"403" in await asyncio.wait_for(reader.readline(), 5)


async def test_a_sender_that_waits_is_asked_for_the_body(client: httpx.AsyncClient, edit: StandInElement) -> None:
    async with connected(client, "Content-Length: 4", "Expect: 100-continue") as (reader, writer):
        assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.write(b"body")
        assert b"201" in await asyncio.wait_for(reader.readline(), 5)
    assert [stored.content for stored in edit.files.values()] == [b"body"]


async def test_a_sender_that_waits_hears_of_a_refusal_instead(client: httpx.AsyncClient) -> None:
    async with connected(client, f"Content-Length: {2**40}", "Expect: 100-continue") as (reader, _):
        assert b"413" in await asyncio.wait_for(reader.readline(), 5)


@pytest.mark.parametrize("head", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_small_body_that_is_cut_reaches_no_element(
    client: httpx.AsyncClient, edit: StandInElement, head: str
) -> None:
    async with connected(client, head) as (_, writer):
        writer.write(b"32\r\nhalf" if "chunked" in head else b"half")
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)
    assert not list(edit.requests("PUT"))


@pytest.mark.parametrize("head", [f"Content-Length: {10 * len(CHUNK)}", "Transfer-Encoding: chunked"])
async def test_a_large_body_that_is_cut_is_not_kept(client: httpx.AsyncClient, edit: StandInElement, head: str) -> None:
    async with connected(client, head) as (_, writer):
        writer.write(b"a00000\r\n" + CHUNK * 4 if "chunked" in head else CHUNK * 4)
        await until(lambda: edit.uploads)
    await until(lambda: not edit.uploads)
    assert not edit.files


async def test_a_body_longer_than_announced_is_not_kept(client: httpx.AsyncClient, edit: StandInElement) -> None:
    async with connected(client, "Content-Length: 4") as (reader, writer):
        writer.write(b"bodyand something else\r\n\r\n")
        assert b"400 Bad Request" in await asyncio.wait_for(reader.readline(), 5)
    assert not edit.files


async def test_chunks_that_cannot_be_read_are_not_kept(client: httpx.AsyncClient, edit: StandInElement) -> None:
    async with connected(client, "Transfer-Encoding: chunked") as (reader, writer):
        writer.write(b"4\r\nbody\r\nnonsense\r\n")
        await asyncio.wait_for(reader.read(), 5)
    assert not edit.files


async def test_an_element_that_does_not_read_slows_the_sender(start: Start, edit: StandInElement) -> None:
    async with stalled_element() as url:
        await edit.stop()
        edit.url = url
        client = await start(edit)
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += len(CHUNK)
                yield CHUNK

        upload = asyncio.create_task(client.post(FILES, params={"name": "a"}, content=endless()))
        await asyncio.sleep(1.5)
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)
    assert 2 * len(CHUNK) <= sent <= 40 * len(CHUNK)


@asynccontextmanager
async def stalled_element() -> AsyncIterator[str]:
    """Asks for the body and never takes it."""
    gone = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await gone.wait()
        writer.transport.abort()

    server = await asyncio.start_server(stall, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        gone.set()
        server.close()
