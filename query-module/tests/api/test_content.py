"""Content, passed on from the element: byte for byte, with its headers, and never a short body that looks whole."""

import asyncio
import hashlib
import os

import httpx
import pytest

from artstore_kit.contracts.errors import ContentCorrupt
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.identity import Action, Grant
from artstore_kit.contracts.modes import Mode
from artstore_kit.postgres import Database
from artstore_kit.testing import element_content
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.documents import document
from artstore_kit.testing.element import StandInElement
from artstore_kit.testing.patience import eventually
from query_module.adapters.entries import put_entries
from query_module.domain.entry import entry_of

LARGE = os.urandom(3 * 1024 * 1024)


async def put(element: StandInElement, content: bytes = b"0123456789") -> str:
    stored = await element.store(document("отчёт.txt", content=content), content)
    return f"/api/v1/files/{stored.file_id}/content"


@pytest.mark.parametrize("content", [b"", b"x", b"0123456789" * 6554, LARGE])
async def test_whole(client: httpx.AsyncClient, element: StandInElement, content: bytes) -> None:
    path = await put(element, content)
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["Content-Length"] == str(len(content))
    assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    for name in (
        "Repr-Digest",
        "Last-Modified",
        "Content-Disposition",
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "Cache-Control",
    ):
        assert answer.headers[name]
    assert answer.headers["Accept-Ranges"] == "bytes"
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    same = ("Content-Length", "Content-Type", "ETag", "Repr-Digest", "Content-Disposition")
    assert [head.headers[name] for name in same] == [answer.headers[name] for name in same]


@pytest.mark.parametrize(
    ("asked", "content", "content_range"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=0-99", b"0123456789", "bytes 0-9/10"),
    ],
)
async def test_ranges(
    client: httpx.AsyncClient, element: StandInElement, asked: str, content: bytes, content_range: str
) -> None:
    answer = await client.get(await put(element), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["Content-Range"] == content_range
    assert answer.headers["Content-Length"] == str(len(content))


async def test_conditions(client: httpx.AsyncClient, element: StandInElement) -> None:
    path = await put(element)
    etag = (await client.head(path)).headers["ETag"]
    known = await client.get(path, headers={"If-None-Match": etag})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", etag)
    assert (await client.head(path, headers={"If-None-Match": etag})).status_code == 304
    same = await client.get(path, headers={"Range": "bytes=0-0", "If-Range": etag})
    other = await client.get(path, headers={"Range": "bytes=0-0", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


async def test_every_condition_reaches_the_element(client: httpx.AsyncClient, element: StandInElement) -> None:
    moment = "Thu, 01 Jan 2026 00:00:00 GMT"
    sent = {
        "Range": "bytes=0-1",
        "If-Range": '"a"',
        "If-Match": "*",
        "If-None-Match": '"b"',
        "If-Modified-Since": moment,
        "If-Unmodified-Since": moment,
    }
    await client.get(await put(element), headers={**sent, "X-Other": "not passed", "Cookie": "nor=this"})
    received = [seen for seen in element.requests("GET") if seen.path.endswith("/content")][-1].headers
    assert {name: received[name] for name in sent} == sent
    assert not {"X-Other", "Cookie"} & received.keys()


async def test_a_range_outside(client: httpx.AsyncClient, element: StandInElement) -> None:
    answer = await client.get(await put(element), headers={"Range": "bytes=10-"})
    assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == "bytes */10"


async def test_what_the_element_refuses_is_passed_on(client: httpx.AsyncClient, element: StandInElement) -> None:
    path = await put(element)
    element.mode = Mode.AR
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "mode_forbids")
    element.mode, element.faults.refuse = Mode.EDIT, ContentCorrupt()
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (502, "content_corrupt")


async def test_a_removed_file_is_gone_at_once(client: httpx.AsyncClient, element: StandInElement) -> None:
    path = await put(element)
    assert (await client.get(path)).status_code == 200
    await element.remove(next(iter(element.files)))
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_unknown")
    head = await client.head(path)
    assert (head.status_code, head.content) == (404, b"")


async def test_a_file_that_has_moved_is_brought_from_where_it_is(
    client: httpx.AsyncClient, element: StandInElement, index: Database
) -> None:
    stored = await element.store(document("a.txt", content=b"moved"), b"moved")
    await indexed_at(index, "rw-9", stored)
    assert (await client.get(f"/api/v1/files/{stored.file_id}/content")).content == b"moved"


async def test_an_element_that_is_away(client: httpx.AsyncClient, element: StandInElement, index: Database) -> None:
    path = await put(element)
    assert (await client.get(path)).status_code == 200
    await element.stop()
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "element_unavailable")
    await element.start()

    async def back() -> bool:
        return (await client.get(path)).status_code == 200

    await eventually(back, within_s=10)


async def test_a_body_that_is_cut_never_looks_whole(server: str, element: StandInElement, admin: AdminStandIn) -> None:
    for content, cut_after in ((LARGE, 2 * 1024 * 1024), (LARGE[:50_000], 20_000)):
        path = await put(element, content)
        element.faults.cut_after_bytes = cut_after
        async with httpx.AsyncClient(headers=admin.mint.bearer()) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(server + path)
        element.faults.cut_after_bytes = None


async def test_who_goes_away_ends_the_elements_sending(
    server: str, element: StandInElement, admin: AdminStandIn
) -> None:
    path = await put(element, LARGE * 30)
    async with httpx.AsyncClient(headers=admin.mint.bearer()) as client:
        async with client.stream("GET", server + path) as answer:
            async for _ in answer.aiter_raw():
                break
            assert element.sending == 1

        async def ended() -> bool:
            return element.sending == 0

        await eventually(ended)


async def test_a_slow_receiver_holds_the_element_back(
    server: str, element: StandInElement, admin: AdminStandIn
) -> None:
    path = await put(element, LARGE * 30)
    async with (
        httpx.AsyncClient(headers=admin.mint.bearer()) as client,
        client.stream("GET", server + path) as answer,
    ):
        chunks = answer.aiter_raw()
        received = len(await anext(chunks))
        await asyncio.sleep(0.5)
        assert element.sending == 1
        async for chunk in chunks:
            received += len(chunk)
    assert received == len(LARGE) * 30


async def test_who_may_not_read_where_it_is_now_hears_nothing_of_the_content(
    client: httpx.AsyncClient, element: StandInElement, index: Database, admin: AdminStandIn
) -> None:
    """The index, and what is remembered, say the collection that the file was in before."""
    before = document("a.txt", content=b"before", collection="папки/open")
    path = f"/api/v1/files/{before.file_id}/content"
    grants = [Grant(collection="папки/open", actions=frozenset({Action.READ}))]
    reader = {"Authorization": f"Bearer {admin.mint.mint(grants=grants)}"}
    await element.store(before, b"before")
    await indexed_at(index, element.element_id, before)
    assert (await client.get(path, headers=reader)).content == b"before"
    moved = document("a.txt", file_id=before.file_id, content=b"secret", collection="strict")
    await element.store(moved, b"secret")
    etag = f'"{moved.content.sha256}"'
    for asked in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=99-"}, {"If-None-Match": etag}):
        answer = await client.get(path, headers={**reader, **asked})
        assert (answer.status_code, answer.json()["code"]) == (403, "grant_missing")
        assert not {"ETag", "Content-Range", "Repr-Digest"} & answer.headers.keys()
    assert (await client.head(path, headers=reader)).status_code == 403
    assert (await client.get(path, headers={"Range": "bytes=99-"})).status_code == 416


async def test_an_element_that_does_not_say_the_collection_is_not_believed(
    client: httpx.AsyncClient, element: StandInElement, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await put(element)
    monkeypatch.setattr(element_content, "COLLECTION_HEADER", "X-Other")
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (502, "element_answered_badly")


async def indexed_at(index: Database, element_id: str, file: FileAttributes) -> None:
    async with index.transaction() as connection:
        await put_entries(connection, element_id, 1, [entry_of(file.model_copy(update={"revision": 9}), 1)])
