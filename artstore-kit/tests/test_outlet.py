"""Answers on their way out: the head with the body when that is there, and never later than it would have gone."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

from artstore_kit.outlet import Outlet

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
