"""Bodies in bounded memory: as fast as they are taken, never cut short unnoticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from artstore_kit.bytestream import ByteAnswer, ByteClient
from artstore_kit.callee import Callee
from artstore_kit.contracts.errors import (
    CircuitOpen,
    DeadlineExceeded,
    DependencyUnavailable,
    DependencyUnreached,
    MasterElsewhere,
    NoMaster,
    RangeNotSatisfiable,
)
from artstore_kit.outbound import Outbound
from artstore_kit.testing.application import free_port, open_server

MIB = bytes(1024 * 1024)


@asynccontextmanager
async def _client_of(app: ASGIApp, idle_s: float = 5) -> AsyncIterator[ByteClient]:
    async with (
        open_server(app, lifespan=False) as url,
        ByteClient(Callee("service", url), idle_s=idle_s) as client,
    ):
        yield client


async def _start(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


class Taker:
    """Takes the body when `go` is set, and counts."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.taken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go.wait()
        more = True
        while more:
            message = await receive()
            self.taken += len(message.get("body", b""))
            more = message.get("more_body", False)
        await _start(send, 201, (b"content-length", b"0"))
        await send({"type": "http.response.body"})


async def _mebibytes(count: int, given: list[int]) -> AsyncIterator[bytes]:
    for number in range(count):
        given.append(number)
        yield MIB


async def test_a_body_is_given_no_faster_than_it_is_taken() -> None:
    taker, given = Taker(), list[int]()

    async def put(client: ByteClient) -> int:
        async with client.put("/", _mebibytes(64, given), {}, content_length=64 * len(MIB)) as answer:
            return answer.status

    async with _client_of(taker) as client:
        putting = asyncio.create_task(put(client))
        await asyncio.sleep(0.3)
        assert len(given) < 16
        taker.go.set()
        assert await putting == 201
    assert taker.taken == 64 * len(MIB)


async def test_a_service_that_takes_nothing_is_given_up() -> None:
    taker = Taker()
    async with _client_of(taker, idle_s=0.3) as client:
        with pytest.raises(DeadlineExceeded):
            async with client.put("/", _mebibytes(64, []), {}):
                pass
        taker.go.set()


async def test_a_slow_source_is_waited_for() -> None:
    taker = Taker()
    taker.go.set()

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0.4)
            yield b"drop"

    async with _client_of(taker, idle_s=0.3) as client, client.put("/", slow(), {}) as answer:
        assert answer.status == 201
    assert taker.taken == 12


async def _read(answer: ByteAnswer) -> int:
    return sum([len(chunk) async for chunk in answer.chunks()])


async def test_an_answer_is_read_no_faster_than_it_is_used() -> None:
    sent = 0

    async def give(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await _start(send, 200, (b"content-length", b"%d" % (64 * len(MIB))))
        for number in range(64):
            await send({"type": "http.response.body", "body": MIB, "more_body": number < 63})
            sent += 1

    async with _client_of(give) as client, client.get("/") as answer:
        await asyncio.sleep(0.3)
        assert sent < 16
        assert await _read(answer) == 64 * len(MIB)


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    async def break_off(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send, 200, (b"content-length", b"1000"))
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ConnectionResetError

    async with _client_of(break_off) as client, client.get("/") as answer:
        with pytest.raises(DependencyUnavailable):
            await _read(answer)


async def test_an_answer_that_stalls_is_an_error() -> None:
    async def stall(scope: Scope, receive: Receive, send: Send) -> None:
        await _start(send, 200, (b"content-length", b"1000"))
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(1)

    async with _client_of(stall, idle_s=0.3) as client, client.get("/") as answer:
        with pytest.raises(DependencyUnavailable):
            await _read(answer)


async def test_a_service_that_dies_with_a_request_on_its_table_was_reached() -> None:
    """It may have done what was asked, so that this must not look like a connection that was never made."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while len(seen) < 2:
            seen.append(await reader.readuntil(b"\r\n\r\nbody"))
            if len(seen) == 1:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        server.close()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with ByteClient(Callee("service", f"http://127.0.0.1:{port}")) as client:
        async with client.put("/", b"body", {}):
            pass
        with pytest.raises(DependencyUnavailable) as lost:
            async with client.put("/", b"body", {}):
                pass
    assert not isinstance(lost.value, DependencyUnreached)
    assert len(seen) == 2


async def test_a_refusal_keeps_the_headers_that_explain_it() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        problem = RangeNotSatisfiable().problem("x").model_dump_json().encode()
        kind = (b"content-type", b"application/problem+json")
        await _start(send, 416, kind, (b"content-range", b"bytes */7"))
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else problem})

    async with _client_of(refuse) as client:
        for method in ("GET", "HEAD"):
            with pytest.raises(RangeNotSatisfiable) as refused:
                async with client.get("/", method=method):
                    pass
            assert refused.value.headers == {"Content-Range": "bytes */7"}


async def test_both_clients_of_a_service_learn_from_one_breaker() -> None:
    async with ByteClient(Callee("nobody", f"http://127.0.0.1:{free_port()}")) as client:
        for _ in range(client.callee.breaker.failures_to_open):
            with pytest.raises(DependencyUnavailable):
                async with client.get("/"):
                    pass
        async with Outbound(client.callee) as outbound:
            with pytest.raises(CircuitOpen):
                await outbound.call("GET", "/")


class Master:
    """Takes everything, and says what came."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"%s %d" % (scope["path"].encode(), size)
        await _start(send, 201, (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.body", "body": body})


def _follower_of(url: str) -> ASGIApp:
    async def follower(scope: Scope, _: Receive, send: Send) -> None:
        """Says where the master is before it takes any of the body."""
        error = MasterElsewhere()
        body = error.problem("x").model_dump_json().encode()
        headers = [(b"location", f"{url}{scope['path']}".encode()), (b"content-type", b"application/problem+json")]
        await _start(send, 307, *headers, (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.body", "body": body})

    return follower


async def test_what_a_follower_sends_on_reaches_the_master() -> None:
    """A body that was not begun, and bytes; from then on the master is called at once, until it fails."""
    given: list[int] = []
    size = 2 * len(MIB)
    async with open_server(Master(), lifespan=False) as master, _client_of(_follower_of(master)) as client:
        home = client.callee.base_url
        async with client.put("/a", _mebibytes(2, given), {}, content_length=size, expect_continue=True) as answer:
            assert await answer.read() == b"/a %d" % size
        assert (given, client.callee.base_url) == ([0, 1], master)
        client.callee.base_url = home
        async with client.put("/b", b"bytes", {}) as answer:
            assert await answer.read() == b"/b 5"
        async with Outbound(Callee("service", home)) as outbound:
            assert (await outbound.call("PATCH", "/c", json={})).text == "/c 2"
        client.callee.base_url = f"http://127.0.0.1:{free_port()}"
        with pytest.raises(DependencyUnreached):
            async with client.put("/d", b"bytes", {}):
                pass
        assert client.callee.base_url == home


async def test_a_stream_that_was_begun_is_not_sent_again() -> None:
    async with open_server(Master(), lifespan=False) as master, _client_of(_follower_of(master)) as client:
        with pytest.raises(NoMaster) as refused:
            async with client.put("/a", _mebibytes(1, []), {}, content_length=len(MIB)):
                pass
        assert refused.value.headers == {"Retry-After": "1"}
        async with client.put("/a", _mebibytes(1, []), {}, content_length=len(MIB)) as answer:
            assert answer.status == 201
