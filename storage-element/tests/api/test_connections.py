"""The element on a real port: senders who stop, go away, or say something else than they announced."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from element_core import until
from running_element import MIB, Element, SettingsAt, code
from wire import Wire, wire_to

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.application import open_server
from storage_element.domain.upkeep import ContentUnreadable
from storage_element.main import create_app

LARGE = bytes(3 * MIB)


@dataclass
class Served:
    """An element that listens."""

    url: str
    element: Element
    headers: Mapping[str, str]

    async def begin(self, wire: Wire, **headers: str) -> str:
        """Send the head of an upload; the path of the file."""
        path = f"/api/v1/files/{new_file_id()}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await wire.start("PUT", path, {**self.headers, ATTRIBUTES_HEADER: '{"name": "x"}', **named})
        return path

    async def left_nothing(self, path: str) -> None:
        """Nothing is staged or shown, and the id is free again."""
        await until(lambda: self.element.staged() == [])
        async with asyncio.timeout(5):
            while await self._is_busy(path):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def _is_busy(self, path: str) -> bool:
        answer = await self.element.http.put(path, content=b"x", headers=GOOD)
        assert answer.status_code in {201, 409}
        return answer.status_code == 409


GOOD = {ATTRIBUTES_HEADER: '{"name": "x"}'}


@pytest.fixture
async def served(
    settings_at: SettingsAt, postgres: PostgresSettings, root: Path, bearer: dict[str, str]
) -> AsyncIterator[Served]:
    app = create_app(settings_at(root))
    async with open_server(app) as url, httpx.AsyncClient(base_url=url, headers=bearer, trust_env=False) as http:
        yield Served(url, Element(root, http, app), bearer)


@pytest.mark.parametrize("sent", [b"", b"half", LARGE[: 2 * MIB]])
async def test_a_sender_who_goes_away_half_way(served: Served, sent: bytes) -> None:
    async with wire_to(served.url) as wire:
        path = await served.begin(wire, content_length=str(len(LARGE)))
        await wire.send(sent)
        await asyncio.sleep(0.05)
        wire.cut()
    await served.left_nothing(path)


async def test_a_sender_who_ends_too_early(served: Served) -> None:
    async with wire_to(served.url) as wire:
        path = await served.begin(wire, content_length="100")
        await wire.send(b"only this")
        wire.writer.write_eof()
        await wire.ended()
    await served.left_nothing(path)


async def test_chunks_that_never_end(served: Served) -> None:
    async with wire_to(served.url) as wire:
        path = await served.begin(wire, transfer_encoding="chunked")
        await wire.send(b"5\r\nhello\r\n")
        wire.cut()
    await served.left_nothing(path)


async def test_chunks_that_are_broken(served: Served) -> None:
    async with wire_to(served.url) as wire:
        path = await served.begin(wire, transfer_encoding="chunked")
        await wire.send(b"5\r\nhello\r\nnonsense\r\n")
        assert b"400" in await wire.ended()
    await served.left_nothing(path)


async def test_a_body_longer_than_announced(served: Served) -> None:
    """What was announced is stored or not; what follows is no request, and no part of the file."""
    async with wire_to(served.url) as wire:
        path = await served.begin(wire, content_length="5")
        await wire.send(b"hello and more of it")
        assert b"HTTP/1.1 400" in await wire.ended()
    stored = await served.element.http.get(f"{path}/content")
    assert (stored.status_code, stored.content) == (200, b"hello") or stored.status_code == 404
    assert served.element.staged() == []


@pytest.mark.parametrize("sent", [b"", b"half", LARGE[: 2 * MIB]])
async def test_a_sender_who_falls_silent(
    settings_at: SettingsAt, postgres: PostgresSettings, root: Path, bearer: dict[str, str], sent: bytes
) -> None:
    settings = settings_at(root)
    settings.server.body_idle_s = 0.3
    app = create_app(settings)
    async with open_server(app) as url, httpx.AsyncClient(base_url=url, headers=bearer, trust_env=False) as http:
        served = Served(url, Element(root, http, app), bearer)
        async with wire_to(url) as wire:
            path = await served.begin(wire, content_length=str(len(LARGE)))
            await wire.send(sent)
            answer = await wire.ended()
        assert b"HTTP/1.1 408" in answer
        assert b'"code":"body_timeout"' in answer
        await served.left_nothing(path)
        async with wire_to(url) as wire:
            await wire.start("PATCH", path, {**bearer, "Content-Type": "application/json", "Content-Length": "50"})
            await wire.send(sent[:10])
            assert b'"code":"body_timeout"' in await wire.ended()


async def test_a_refusal_comes_before_the_body(served: Served) -> None:
    async with wire_to(served.url) as wire:
        await served.begin(wire, content_length=str(2**62), expect="100-continue")
        assert await wire.status() == 507
    async with wire_to(served.url) as wire:
        await served.begin(wire, content_length=str(len(LARGE)), repr_digest="sha-256=:AAAA:")
        await wire.send(LARGE)
        assert await wire.status() == 400
    assert served.element.staged() == []


async def test_one_connection_carries_many_requests(served: Served) -> None:
    async with wire_to(served.url) as wire:
        for content in (b"one", LARGE, b""):
            path = await served.begin(wire, content_length=str(len(content)))
            await wire.send(content)
            assert await wire.status() == 201
            await wire.start("GET", f"{path}/content", served.headers)
            assert await wire.status() == 200


async def test_a_chunked_body_is_stored(served: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    answer = await served.element.http.put(f"/api/v1/files/{new_file_id()}", content=chunks(), headers=GOOD)
    assert (answer.status_code, answer.json()["content"]["size"]) == (201, 2_000_000)


async def test_a_receiver_who_goes_away_harms_nobody(served: Served) -> None:
    file = await served.element.put(LARGE * 4)
    for _ in range(5):
        async with wire_to(served.url) as wire:
            await wire.start("GET", f"/api/v1/files/{file.file_id}/content", served.headers)
            await wire.reader.readexactly(1000)
            wire.cut()
    assert (await served.element.content(file.file_id)).content == LARGE * 4


async def test_content_that_ends_while_it_is_sent_cuts_the_connection(served: Served) -> None:
    """Its length was announced: a short answer must not look whole."""
    file = await served.element.put(LARGE * 8)
    async with wire_to(served.url) as wire:
        await wire.start("GET", f"/api/v1/files/{file.file_id}/content", served.headers)
        await wire.reader.readexactly(1000)
        with served.element.content_path(file).open("r+b") as content:
            content.truncate(1000)
        received = len(await wire.ended())
    assert received < len(LARGE) * 8


async def test_content_that_cannot_be_read_cuts_the_connection_and_is_judged(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await served.element.put(LARGE)

    def fails(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    def unreadable(*_: object) -> None:
        raise ContentUnreadable("cannot be read: Input/output error", may_pass=False)

    path = f"/api/v1/files/{file.file_id}/content"
    with monkeypatch.context() as patched:
        patched.setattr(os, "sendfile", fails)
        patched.setattr(os, "pread", fails)
        patched.setattr("storage_element.adapters.local.upkeep.Rereading", unreadable)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            await served.element.http.get(path)
        async with asyncio.timeout(5):
            while file.file_id not in served.element.services.reader._containment.damaged:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert code(await served.element.http.get(path)) == (410, "content_corrupt")


async def test_where_sendfile_cannot_be_used_content_is_sent_all_the_same(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    file = await served.element.put(LARGE)
    monkeypatch.setattr(os, "sendfile", cannot)
    assert (await served.element.http.get(f"/api/v1/files/{file.file_id}/content")).content == LARGE
