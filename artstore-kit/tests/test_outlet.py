"""Answers on their way out: the head with the body when that is there, and never later than it would have gone."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from artstore_kit.outlet import Outlet
from artstore_kit.testing.application import open_server

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"body"


class Packets:
    """A transport that keeps what each system call would send."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.sent.append(bytes(data))

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True


def outlet(*, method: str = "GET", started: bool = True) -> tuple[Outlet, Packets, Any]:
    packets, cycle = Packets(), SimpleNamespace(response_started=started, scope={"method": method})
    return Outlet(cast(Any, cycle), cast(Any, packets), asyncio.get_running_loop()), packets, cycle


async def test_head_and_body_go_together() -> None:
    out, packets, _ = outlet()
    out.write(HEAD)
    out.write(BODY)
    out.write(b"more")
    await asyncio.sleep(0)
    assert packets.sent == [HEAD + BODY, b"more"]


async def test_an_answer_without_a_body_lets_the_connection_be_closed() -> None:
    """uvloop's transport never closes when an empty piece waits among others."""

    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with open_server(nothing, lifespan=False) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(b"DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 2)).startswith(b"HTTP/1.1 204")
        writer.close()


async def test_a_head_waits_for_nothing_that_is_late() -> None:
    out, packets, _ = outlet()
    out.write(HEAD)
    assert packets.sent == []
    await asyncio.sleep(0)
    out.write(BODY)
    assert packets.sent == [HEAD, BODY]


async def test_the_head_of_an_answer_that_breaks_off_is_sent() -> None:
    out, packets, _ = outlet()
    out.write(HEAD)
    out.close()
    await asyncio.sleep(0)
    assert (packets.sent, packets.closing) == ([HEAD], True)


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    out, packets, _ = outlet()
    out.write(HEAD)
    packets.closing = True
    await asyncio.sleep(0)
    assert packets.sent == []
    assert out.is_closing()


async def test_what_comes_before_the_answer_goes_at_once() -> None:
    out, packets, cycle = outlet(started=False)
    out.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    cycle.response_started = True
    out.write(HEAD)
    out.write(BODY)
    assert packets.sent == [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + BODY]


async def test_an_answer_to_head_is_whole_with_its_head() -> None:
    out, packets, _ = outlet(method="HEAD")
    out.write(HEAD)
    assert packets.sent == [HEAD]
