"""Content out of a file: whole, in order, in the middle of other bytes, and at the receiver's pace."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from artstore_kit.connection import SEND_FILE
from artstore_kit.contracts.errors import ContentCorrupt, IncompleteBody
from artstore_kit.exchange import Exchange
from artstore_kit.receivers import WATCHED_FROM_BYTES, while_received
from artstore_kit.sendfile import FileSpan
from artstore_kit.tally import Tally
from artstore_kit.testing.application import open_server

MIB = 2**20
CONTENT = os.urandom(5 * MIB + 4321)

type Answer = Callable[[Exchange[None]], Awaitable[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def fd(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def sends(*chunks: bytes | FileSpan) -> Answer:
    async def answer(exchange: Exchange[None]) -> None:
        await exchange.start(200, [("content-length", str(sum(map(len, chunks))))])
        for chunk in chunks:
            await exchange.write(chunk)
        await exchange.write(b"", more=False)

    return answer


@asynccontextmanager
async def asked(answer: Answer, tallies: list[Tally], requests: int = 1) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which so many requests were sent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tally = Tally(scope, receive, send, "id", 5)
        tallies.append(tally)
        await answer(Exchange(scope, tally.receive, tally.send, {}))

    async with open_server(app, lifespan=False) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
            yield reader
        finally:
            writer.close()


async def body(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return await reader.readexactly(int(length))


async def test_a_file_is_sent_as_it_is_between_other_bytes(fd: int) -> None:
    chunks: list[bytes | FileSpan] = [
        b"before",
        FileSpan(fd, 0, 3 * MIB),
        FileSpan(fd, 3 * MIB, 7),
        b"between" * 50_000,
    ]
    chunks.append(FileSpan(fd, 5, 6))
    expected = b"before" + CONTENT[: 3 * MIB + 7] + b"between" * 50_000 + CONTENT[5:11]
    tallies: list[Tally] = []
    async with asked(sends(*chunks), tallies, requests=3) as reader:
        for _ in range(3):
            assert await body(reader) == expected
    assert [(tally.sent_bytes, tally.finished) for tally in tallies] == [(len(expected), True)] * 3


async def test_a_slow_receiver_is_waited_for_and_others_are_served(fd: int) -> None:
    tallies: list[Tally] = []
    spans = [FileSpan(fd, at, MIB) for at in range(0, 5 * MIB, MIB)] * 8
    async with asked(sends(*spans), tallies) as slow, asked(sends(FileSpan(fd, 0, 9)), tallies) as other:
        await asyncio.sleep(0.2)
        assert not tallies[0].finished
        assert await body(other) == CONTENT[:9]
        assert await body(slow) == CONTENT[: 5 * MIB] * 8
    assert tallies[0].finished


async def test_a_receiver_who_goes_is_no_failure(fd: int) -> None:
    ended = asyncio.Event()

    async def answer(exchange: Exchange[None]) -> None:
        await sends(*[FileSpan(fd, 0, MIB)] * 64)(exchange)
        ended.set()

    async with asked(answer, []) as reader:
        await reader.readexactly(100_000)
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_file_that_ends_too_early_cuts_the_answer_off(fd: int, path: Path) -> None:
    os.truncate(path, MIB)
    failures: list[Exception] = []

    async def answer(exchange: Exchange[None]) -> None:
        try:
            await sends(FileSpan(fd, 0, 2 * MIB))(exchange)
        except ContentCorrupt as error:
            failures.append(error)

    async with asked(answer, []) as reader:
        await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == CONTENT[:MIB]
    assert len(failures) == 1
    with pytest.raises(ContentCorrupt):
        bytes(FileSpan(fd, 0, 2 * MIB))


async def test_more_than_was_announced_is_never_sent(fd: int) -> None:
    failures: list[RuntimeError] = []

    async def answer(exchange: Exchange[None]) -> None:
        await exchange.start(200, [("content-length", "5")])
        try:
            await exchange.write(FileSpan(fd, 0, 6))
        except RuntimeError as error:
            failures.append(error)
        await exchange.write(FileSpan(fd, 0, 5), more=False)

    async with asked(answer, []) as reader:
        assert await body(reader) == CONTENT[:5]
    assert len(failures) == 1


async def test_without_the_extension_it_is_read(fd: int) -> None:
    def without(app: Answer) -> Answer:
        async def answer(exchange: Exchange[None]) -> None:
            assert exchange.scope["extensions"].pop(SEND_FILE)
            plain: Exchange[None] = Exchange(exchange.scope, exchange._receive, exchange._send, {})
            await app(plain)

        return answer

    async with asked(without(sends(b"x", FileSpan(fd, 3, MIB))), []) as reader:
        assert await body(reader) == b"x" + CONTENT[3 : MIB + 3]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_what_is_sent_to_is_not_left_open(fd: int) -> None:
    async with asked(sends(*[FileSpan(fd, 0, MIB)] * 3), [], requests=20) as reader:
        before = open_files()
        for _ in range(20):
            await body(reader)
        assert open_files() <= before


def fails(number: int) -> Callable[..., int]:
    def failing(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return failing


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
async def test_where_sendfile_is_refused_it_is_read_and_written(
    fd: int, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "sendfile", fails(number))
    spans = [FileSpan(fd, at, MIB) for at in range(0, 5 * MIB, MIB)] * 4
    async with asked(sends(b"before", *spans), []) as reader:
        await asyncio.sleep(0.1)  # more than fits between them: the receiver is slow
        assert await body(reader) == b"before" + CONTENT[: 5 * MIB] * 4


async def test_what_cannot_be_read_in_the_middle_cuts_the_answer_off(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[ContentCorrupt] = []
    really = os.sendfile

    def fails_later(out: int, file: int, offset: int, count: int) -> int:
        if offset >= MIB:
            fails(errno.EIO)()
        return really(out, file, offset, min(count, MIB - offset))

    async def answer(exchange: Exchange[None]) -> None:
        try:
            await sends(FileSpan(fd, 0, 2 * MIB))(exchange)
        except ContentCorrupt as error:
            failures.append(error)

    monkeypatch.setattr(os, "sendfile", fails_later)
    monkeypatch.setattr(os, "pread", fails(errno.EIO))
    async with asked(answer, []) as reader:
        await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == CONTENT[:MIB]
    assert [type(error.__cause__) for error in failures] == [OSError]


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EHOSTUNREACH])
async def test_a_connection_that_fails_is_no_failure_of_the_file(
    fd: int, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    ended = asyncio.Event()

    async def answer(exchange: Exchange[None]) -> None:
        await sends(FileSpan(fd, 0, MIB))(exchange)
        ended.set()

    monkeypatch.setattr(os, "sendfile", fails(number))
    monkeypatch.setattr(os, "write", fails(number))
    async with asked(answer, []) as reader:
        await asyncio.wait_for(ended.wait(), 5)
        await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""


@pytest.mark.parametrize("extension", [True, False])
async def test_nothing_more_is_sent_to_who_has_gone(fd: int, extension: bool) -> None:
    outcome: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(exchange: Exchange[None]) -> None:
        if not extension:
            exchange._send_file = None
        sent = 0
        try:
            async with while_received(exchange, 10**12):
                await exchange.start(200, [("content-length", str(10**12))])
                while True:
                    await exchange.write(FileSpan(fd, 0, MIB))
                    sent += MIB
                    await asyncio.sleep(0)
        except IncompleteBody:
            outcome.set_result(sent)

    async with asked(answer, []) as reader:
        await reader.readexactly(100_000)
    assert 0 < await asyncio.wait_for(outcome, 5) < 10**12


@pytest.mark.parametrize("length", [WATCHED_FROM_BYTES - 1, WATCHED_FROM_BYTES, None])
async def test_the_end_of_an_answer_is_nobody_going(fd: int, length: int | None) -> None:
    tallies: list[Tally] = []

    async def answer(exchange: Exchange[None]) -> None:
        async with while_received(exchange, length):
            await sends(FileSpan(fd, 0, MIB))(exchange)
            await asyncio.sleep(0.05)

    async with asked(answer, tallies, requests=2) as reader:
        for _ in range(2):
            assert await body(reader) == CONTENT[:MIB]
        await asyncio.sleep(0.1)
    assert [tally.finished for tally in tallies] == [True, True]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("spans", [False, True])
def test_a_connection_that_closes_between_two_chunks_is_no_failure(
    fd: int, turns: int, spans: bool, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    """Closed it is at once; the loop, and who sends, hear of it one after the other."""
    failed: list[Exception] = []
    chunks: list[bytes | FileSpan] = [FileSpan(fd, 0, MIB), FileSpan(fd, MIB, MIB)] if spans else [b"first", b"second"]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange[None] = Exchange(scope, receive, send, {})
        await exchange.start(200, [("content-length", str(sum(map(len, chunks)) + 4))])
        await exchange.write(chunks[0])
        scope["extensions"][SEND_FILE].func.__self__.transport.abort()
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            await exchange.write(chunks[1])
            await exchange.write(b"last", more=False)
        except Exception as error:  # noqa: BLE001 (the server would only log it)
            failed.append(error)

    async def ask() -> None:
        async with open_server(app, lifespan=False) as url:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            with suppress(ConnectionError):
                await reader.read()
            writer.close()

    run(ask())
    assert failed == []
