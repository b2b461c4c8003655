"""Bodies on their way in: whole, in order, and of one request only, however they are cut and taken."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from artstore_kit import connection
from artstore_kit.connection import HEAD_LIMIT_BYTES, HEADERS_LIMIT, READ_INTO, RECEIVED_AT_ONCE_BYTES
from artstore_kit.contracts.errors import BodyTimeout, IncompleteBody
from artstore_kit.exchange import Exchange
from artstore_kit.tally import Tally
from artstore_kit.testing.application import open_server

CONTENT = os.urandom(3 * RECEIVED_AT_ONCE_BYTES + 12_345)
MEMORY_BYTES = 300_000
MIB = 2**20


class Wire:
    """A client that sends what it is told, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self) -> str:
        """The body of the next answer."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return (await self.reader.readexactly(int(length))).decode()


@asynccontextmanager
async def wire_to(app: ASGIApp) -> AsyncIterator[Wire]:
    async with open_server(app, lifespan=False) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()


def application(take: Callable[[Exchange[None]], object]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange[None] = Exchange(scope, receive, send, {})
        await exchange.answer(200, (), str(await take(exchange)).encode())  # type: ignore[misc]

    return app


async def into_memory(exchange: Exchange[None]) -> str:
    """Take the body into memory that is used again, and give its digest."""
    memory, sha256, body = memoryview(bytearray(MEMORY_BYTES)), hashlib.sha256(), exchange.body()
    while length := await body.read_into(memory):
        sha256.update(memory[:length])
    return sha256.hexdigest()


async def in_chunks(exchange: Exchange[None]) -> str:
    sha256 = hashlib.sha256()
    async for chunk in exchange.body():
        sha256.update(chunk)
    return sha256.hexdigest()


async def by_turns(exchange: Exchange[None]) -> str:
    """A chunk, then a piece of memory that does not end where a chunk does, and so on."""
    memory, sha256, body = memoryview(bytearray(777)), hashlib.sha256(), exchange.body()
    async for chunk in body:
        sha256.update(chunk)
        sha256.update(memory[: await body.read_into(memory)])
    return sha256.hexdigest()


TAKERS = [into_memory, in_chunks, by_turns]


def head(length: int | None, more: str = "") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"PUT / HTTP/1.1\r\nHost: x\r\n{framing}\r\n{more}\r\n".encode()


def cut(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("take", TAKERS)
@pytest.mark.parametrize("size", [0, 1, MEMORY_BYTES - 1, MEMORY_BYTES, MEMORY_BYTES + 1, len(CONTENT)])
async def test_a_body_arrives_as_it_was_sent(take: Callable[[Exchange[None]], object], size: int) -> None:
    async with wire_to(application(take)) as wire:
        for _ in range(2):
            await wire.send(head(size) + CONTENT[:size])
            assert await wire.answer() == digest(CONTENT[:size])


@pytest.mark.parametrize("take", TAKERS)
async def test_requests_that_are_sent_before_their_turn_stay_apart(take: Callable[[Exchange[None]], object]) -> None:
    """One ends and the next begins within the same packet, as RFC 9112 section 9.3.2 allows."""
    bodies = [CONTENT[:1000], b"", CONTENT[:MEMORY_BYTES], CONTENT, b"x"]
    stream = b"".join(head(len(body)) + body for body in bodies)
    async with wire_to(application(take)) as wire:
        sending = asyncio.create_task(wire.send(*cut(stream, 99_991)))
        assert [await wire.answer() for _ in bodies] == [digest(body) for body in bodies]
        await sending


@pytest.mark.parametrize("take", TAKERS)
async def test_a_body_may_come_in_drops(take: Callable[[Exchange[None]], object]) -> None:
    async with wire_to(application(take)) as wire:
        await wire.send(head(200))
        for drop in cut(CONTENT[:200], 7):
            await wire.send(drop)
            await asyncio.sleep(0.001)
        assert await wire.answer() == digest(CONTENT[:200])


@pytest.mark.parametrize("take", TAKERS)
async def test_a_body_of_unknown_length_ends_with_its_last_chunk(take: Callable[[Exchange[None]], object]) -> None:
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in cut(CONTENT, 100_003)]
    async with wire_to(application(take)) as wire:
        for _ in range(2):
            await wire.send(head(None), *chunks, b"0\r\n\r\n")
            assert await wire.answer() == digest(CONTENT)


@pytest.mark.parametrize("take", TAKERS)
async def test_a_sender_who_waits_is_told_to_go_on(take: Callable[[Exchange[None]], object]) -> None:
    async with wire_to(application(take)) as wire:
        await wire.send(head(len(CONTENT), "Expect: 100-continue\r\n"))
        assert (await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 100 ")
        await wire.send(CONTENT)
        assert await wire.answer() == digest(CONTENT)


@pytest.mark.parametrize("take", TAKERS)
@pytest.mark.parametrize("sent", [0, 1000, RECEIVED_AT_ONCE_BYTES - 1, RECEIVED_AT_ONCE_BYTES, len(CONTENT) - 1])
async def test_a_connection_that_is_cut_is_no_end_of_a_body(
    take: Callable[[Exchange[None]], object], sent: int
) -> None:
    raised: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def noting(exchange: Exchange[None]) -> None:
        with pytest.raises(IncompleteBody):
            await take(exchange)  # type: ignore[misc]
        raised.set_result(True)

    async with wire_to(application(noting)) as wire:
        await wire.send(head(len(CONTENT)), CONTENT[:sent])
        wire.writer.close()
        assert await asyncio.wait_for(raised, 5)


@pytest.mark.parametrize("size", [1000, len(CONTENT)])
async def test_what_nobody_took_of_a_body_is_not_the_next_request(size: int) -> None:
    async def refuse(exchange: Exchange[None]) -> str:
        return "refused" if size == exchange.content_length() else await into_memory(exchange)

    async with wire_to(application(refuse)) as wire:
        await wire.send(head(size), CONTENT[:size], head(3), b"abc")
        assert [await wire.answer(), await wire.answer()] == ["refused", digest(b"abc")]


async def test_memory_of_a_reader_who_gave_up_is_left_alone() -> None:
    memory = memoryview(bytearray(2000))

    async def impatient(exchange: Exchange[None]) -> str:
        body = exchange.body()
        first = await anext(body)
        try:
            async with asyncio.timeout(0.05):
                await body.read_into(memory)
        except TimeoutError:
            before = bytes(memory)
            await wire.send(CONTENT[1500:3000])
            rest = b"".join([chunk async for chunk in body])
            assert bytes(memory) == before
            return digest(first + before[:1400] + rest)
        raise AssertionError("there was nothing more to read")

    async with wire_to(application(impatient)) as wire:
        await wire.send(head(3000), CONTENT[:100])
        await asyncio.sleep(0.02)
        await wire.send(CONTENT[100:1500])
        assert await wire.answer() == digest(CONTENT[:3000])


async def test_a_reader_is_sent_no_more_than_it_takes() -> None:
    """The rest stays in the sender's hands, not in our memory."""
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def slow(exchange: Exchange[None]) -> str:
        body = exchange.body()
        first, memory = await anext(body), bytearray(1000)
        await body.read_into(memoryview(memory))
        taken.set()
        await go_on.wait()
        return digest(first + memory + b"".join([chunk async for chunk in body]))

    async with wire_to(application(slow)) as wire:
        content = CONTENT * 4
        sending = asyncio.create_task(wire.send(head(len(content)), content))
        await taken.wait()
        await asyncio.sleep(0.1)
        assert not sending.done()
        go_on.set()
        assert await wire.answer() == digest(content)
        await sending


async def test_only_a_body_of_known_length_is_read_into_memory_directly() -> None:
    async def offered(exchange: Exchange[None]) -> bool:
        found = READ_INTO in exchange.scope.get("extensions", {})
        await into_memory(exchange)
        return found

    async with wire_to(application(offered)) as wire:
        await wire.send(head(3), b"abc")
        assert await wire.answer() == "True"
        await wire.send(head(None), b"3\r\nabc\r\n0\r\n\r\n")
        assert await wire.answer() == "False"


async def test_bytes_are_counted_either_way() -> None:
    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        tally = Tally(scope, receive, send, "id", 60)
        exchange: Exchange[None] = Exchange(scope, tally.receive, tally.send, {})
        await by_turns(exchange)
        await exchange.answer(200, (), str(tally.received_bytes).encode())

    async with wire_to(counting) as wire:
        await wire.send(head(len(CONTENT)), CONTENT)
        assert await wire.answer() == str(len(CONTENT))


@pytest.mark.parametrize(
    "head_of",
    [
        b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_a_length_that_may_be_read_in_two_ways_is_refused(head_of: bytes) -> None:
    """RFC 9112 section 6.3: whoever stands before us may have read it the other way."""
    async with wire_to(application(into_memory)) as wire:
        await wire.send(head_of)
        assert (await asyncio.wait_for(wire.reader.read(100), 5)).startswith(b"HTTP/1.1 400 ")


async def asked_of(*pieces: bytes) -> bytes:
    """What a server answers to these bytes, until it closes the connection."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with wire_to(app) as wire:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                await wire.send(piece)
                await asyncio.sleep(0.001)
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(wire.reader.read(), 5)
    return b""


LINE = b"GET / HTTP/1.1\r\nHost: a\r\n"
LAST = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([LINE, b"X: " + b"y" * (2 * HEAD_LIMIT_BYTES)], id="in one piece"),
        pytest.param([LINE, *[b"X: " + b"y" * 1000 + b"\r\n"] * 200], id="line by line"),
        pytest.param([b"GET /" + b"y" * (2 * HEAD_LIMIT_BYTES)], id="an address"),
        pytest.param([LINE, b"X: y\r\n" * (HEADERS_LIMIT + 1), LAST], id="many headers"),
        pytest.param([LINE, b"\r\n", LINE, *[b"X: " + b"y" * 1000] * 200], id="the next one"),
    ],
)
async def test_a_head_without_an_end_is_not_held_in_memory(pieces: list[bytes]) -> None:
    answer = await asked_of(*pieces)
    assert answer.count(b"HTTP/1.1 204") in {0, pieces.count(b"\r\n")}


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([LINE, b"X: " + b"y" * (HEAD_LIMIT_BYTES - 1000) + b"\r\n", LAST], id="long"),
        pytest.param([LINE, b"X: y\r\n" * (HEADERS_LIMIT - 2), LAST], id="many"),
        pytest.param([LINE[:5], LINE[5:], LAST[:5], LAST[5:]], id="in pieces"),
        pytest.param([(LINE + b"\r\n") * 2000, LINE, LAST], id="short ones, many at once"),
        pytest.param([b"PUT / HTTP/1.1\r\nContent-Length: 200000\r\n" + LAST + bytes(200_000)], id="with a body"),
    ],
)
async def test_a_head_that_is_not_too_long_is_read(pieces: list[bytes]) -> None:
    answer = await asked_of(*pieces)
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"400" not in answer


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([], id="nothing"),
        pytest.param([LINE], id="a part"),
        pytest.param([LINE + b"\r\n", LINE], id="a part of the second"),
    ],
)
async def test_who_does_not_end_a_head_is_not_waited_for(pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_WITHIN_S", 0.3)
    answer = await asked_of(*pieces)
    assert answer.count(b"HTTP/1.1 204") == max(0, len(pieces) - 1)


async def test_a_fast_sender_who_slows_down_is_read_all_the_same() -> None:
    """Less waits in the kernel than it would wake us for."""
    came = asyncio.Event()
    first = 9 * MIB + 1000

    async def app(exchange: Exchange[None]) -> str:
        body, memory, length = exchange.body(), memoryview(bytearray(1000)), 0
        while length < first:
            length += await body.read_into(memory[: first - length])
        came.set()
        return await into_memory(exchange)

    async with wire_to(application(app)) as wire:
        rest = CONTENT[:MIB]
        await wire.send(head(20 * MIB + first + len(rest)), bytes(first))
        await asyncio.wait_for(came.wait(), 10)
        await wire.send(bytes(20 * MIB), rest)
        assert len(await wire.answer()) == 64


@pytest.mark.parametrize("take", TAKERS)
@pytest.mark.parametrize("sent", [0, 10, 9 * MIB + 1])
async def test_a_sender_who_falls_silent_is_given_up(take: Callable[[Exchange[None]], object], sent: int) -> None:
    """Room for what was announced is kept from all others meanwhile."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tally = Tally(scope, receive, send, "id", body_idle_s=1.5)
        exchange: Exchange[None] = Exchange(scope, tally.receive, tally.send, {})
        try:
            await take(exchange)  # type: ignore[misc]
        except BodyTimeout as error:
            await exchange.answer_error(error, "id")

    async with wire_to(app) as wire:
        await wire.send(head(30 * MIB), bytes(sent))
        assert '"code":"body_timeout"' in await wire.answer()
        assert await asyncio.wait_for(wire.reader.read(), 5) == b""


@pytest.mark.parametrize("take", TAKERS)
async def test_a_slow_sender_is_waited_for(take: Callable[[Exchange[None]], object]) -> None:
    """It takes longer to fill the memory than a sender may be silent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tally = Tally(scope, receive, send, "id", body_idle_s=0.3)
        exchange: Exchange[None] = Exchange(scope, tally.receive, tally.send, {})
        await exchange.answer(200, (), str(await take(exchange)).encode())  # type: ignore[misc]

    async with wire_to(app) as wire:
        await wire.send(head(1000))
        for drop in cut(CONTENT[:1000], 100):
            await wire.send(drop)
            await asyncio.sleep(0.1)
        assert await wire.answer() == digest(CONTENT[:1000])


async def test_waiting_for_the_client_to_go_is_no_waiting_for_its_body() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tally = Tally(scope, receive, send, "id", body_idle_s=0.1)
        exchange: Exchange[None] = Exchange(scope, tally.receive, tally.send, {})
        await in_chunks(exchange)
        gone = asyncio.create_task(exchange.gone())
        await asyncio.sleep(0.4)
        assert not gone.done()
        gone.cancel()
        await exchange.answer(200, (), b"still there")

    async with wire_to(app) as wire:
        await wire.send(head(3), b"abc")
        assert await wire.answer() == "still there"
