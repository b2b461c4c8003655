"""Senders who break off, stumble or send more than they said: nothing of theirs is kept, and nothing is left over."""

import asyncio

import pytest

from artstore import ArtStore
from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.digests import format_sha256
from artstore_kit.testing.patience import eventually
from tests.fleet.access_log import until_written
from tests.fleet.documents import MIB, Document, unique_word
from tests.fleet.elements import Element, nothing_is_staged, staged
from tests.fleet.wire import Line, Wire
from tools.fleet.fleet import Fleet

CLIENT_GONE = 499


@pytest.fixture
def collection() -> str:
    """The collection of a journey, in which nothing may be in the end."""
    return unique_word()


@pytest.mark.parametrize("sent_bytes", [0, 10, 500, 2 * MIB])
async def test_a_body_shorter_than_announced(wire: Wire, collection: str, sent_bytes: int) -> None:
    for service, request in _doors():
        line = await Line.to(wire, service)
        await line.begin(wire, request, _described(collection, length=sent_bytes + 1000))
        await line.send(bytes(sent_bytes))
        answer = await line.end()

        assert b" 201 " not in answer
        written = await until_written(wire.fleet, service, line.request_id)
        assert (written["status"], written["code"]) == (CLIENT_GONE, "incomplete_body")
    await _nothing_is_left(wire, collection)


async def test_a_body_longer_than_announced(wire: Wire, collection: str) -> None:
    """What is over cannot be told from the next request; the digest tells that the content is not the whole."""
    digest = Document(b"more than announced").sha256
    for service, request in _doors():
        line = await Line.to(wire, service)
        headers = _described(collection, length=4) | {"Repr-Digest": format_sha256(bytes.fromhex(digest))}
        await line.begin(wire, request, headers)
        await line.send(b"more than announced")
        answer = await line.end()

        assert b"HTTP/1.1 400 " in answer
        written = await until_written(wire.fleet, service, line.request_id)
        assert (written["status"], written["code"]) == (400, "digest_mismatch")
    await _nothing_is_left(wire, collection)


async def test_a_client_that_goes_away_half_way(wire: Wire, collection: str) -> None:
    for service, request in _doors():
        line = await Line.to(wire, service)
        await line.begin(wire, request, _described(collection, length=6 * MIB))
        await line.send(bytes(3 * MIB))
        await eventually(lambda: _something_is_staged(wire.fleet))
        line.cut()

        written = await until_written(wire.fleet, service, line.request_id)
        assert (written["status"], written["code"]) == (CLIENT_GONE, "incomplete_body")
        await nothing_is_staged(wire.fleet)
    await _nothing_is_left(wire, collection)


async def test_a_client_that_stops_reading_half_way(store: ArtStore, wire: Wire) -> None:
    stored = await Document.of_size(8 * MIB).put(store)
    line = await Line.to(wire, "query")
    await line.begin(wire, f"GET /api/v1/files/{stored.file_id}/content", {})
    assert (await line.beginning()).startswith(b"HTTP/1.1 200 ")
    line.cut()

    assert await until_written(wire.fleet, "query", line.request_id)
    assert await until_written(wire.fleet, "edit-1", line.request_id)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01 not HTTP\r\n\r\n", b"POST\r\n\r\n", b"GET /api/v1/search HTTP/1.1\r\nbad header\r\n\r\n"]
)
async def test_what_is_no_http(wire: Wire, garbage: bytes) -> None:
    for service in ("admin", "edit-1", "ingester", "query"):
        line = await Line.to(wire, service)
        await line.send(garbage)
        assert (await line.end()).startswith(b"HTTP/1.1 400 ")


async def test_nothing_of_it_comes_back_after_a_kill(fleet: Fleet, wire: Wire, collection: str) -> None:
    line = await Line.to(wire, "ingester")
    await line.begin(wire, "POST /api/v1/files", _described(collection, length=6 * MIB))
    await line.send(bytes(3 * MIB))
    await eventually(lambda: _something_is_staged(fleet))

    fleet.kill("edit-1")
    assert staged(fleet) != []
    await asyncio.to_thread(fleet.start_one, "edit-1")

    line.cut()
    await _nothing_is_left(wire, collection)


def _doors() -> list[tuple[str, str]]:
    return [("ingester", "POST /api/v1/files"), ("edit-1", f"PUT /api/v1/files/{new_file_id()}")]


def _described(collection: str, *, length: int) -> dict[str, str]:
    attributes = f'{{"name": "broken.bin", "collection": "{collection}"}}'
    return {ATTRIBUTES_HEADER: attributes, "Content-Length": str(length)}


async def _something_is_staged(fleet: Fleet) -> bool:
    return staged(fleet) != []


async def _nothing_is_left(wire: Wire, collection: str) -> None:
    assert await Element(wire, "edit-1", collection).agreed() == {}
    await nothing_is_staged(wire.fleet)
