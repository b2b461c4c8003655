"""The storage element's stand-in: it may be trusted where tests lean on it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from artstore_kit.contracts.errors import StorageFull
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, ChangePage, FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.digests import format_sha256
from artstore_kit.testing.element import StandInElement, open_element

CONTENT = b"0123456789" * 100
HEADERS = {ATTRIBUTES_HEADER: json.dumps({"name": "отчёт.txt"})}


@pytest.fixture
async def element() -> AsyncIterator[StandInElement]:
    async with open_element() as element:
        yield element


@pytest.fixture
async def http(element: StandInElement) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": "Bearer anything"}
    async with aiohttp.ClientSession(base_url=element.url, headers=headers) as session:
        yield session


async def put(http: aiohttp.ClientSession, content: bytes = CONTENT) -> FileAttributes:
    async with http.put(f"/api/v1/files/{new_file_id()}", data=content, headers=HEADERS) as answer:
        assert answer.status == 201
        return FileAttributes.model_validate_json(await answer.read())


async def code(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json(content_type="application/problem+json"))["code"]


async def test_a_file_goes_in_and_comes_out(http: aiohttp.ClientSession) -> None:
    file = await put(http)
    async with http.get(f"/api/v1/files/{file.file_id}/content") as answer:
        assert await answer.read() == CONTENT
        assert answer.headers["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    async with http.get(f"/api/v1/files/{file.file_id}/content", headers={"Range": "bytes=-5"}) as answer:
        assert (answer.status, await answer.read()) == (206, b"56789")


async def test_the_same_id_with_other_content_is_refused(http: aiohttp.ClientSession) -> None:
    file = await put(http)
    url = f"/api/v1/files/{file.file_id}"
    async with http.put(url, data=CONTENT, headers=HEADERS) as answer:
        assert answer.status == 200
    async with http.put(url, data=b"other", headers=HEADERS) as answer:
        assert await code(answer) == (409, "file_exists")


async def test_a_wrong_digest_leaves_nothing(http: aiohttp.ClientSession, element: StandInElement) -> None:
    headers = HEADERS | {"Repr-Digest": format_sha256(bytes(32))}
    async with http.put(f"/api/v1/files/{new_file_id()}", data=CONTENT, headers=headers) as answer:
        assert await code(answer) == (400, "digest_mismatch")
    assert not element.files


async def test_changes_are_told_once_each_with_tombstones(http: aiohttp.ClientSession) -> None:
    file = await put(http)
    removed = await put(http)
    async with http.patch(f"/api/v1/files/{file.file_id}", json={"tags": ["a"]}, headers={"If-Match": '"r1"'}):
        pass
    async with http.delete(f"/api/v1/files/{removed.file_id}") as answer:
        assert answer.status == 204
    async with http.get("/api/v1/changes?after=0") as answer:
        page = ChangePage.model_validate_json(await answer.read())
    assert [(c.lsn, c.file_id, c.attributes is None) for c in page.items] == [
        (3, file.file_id, False),
        (4, removed.file_id, True),
    ]
    assert page.items[0].attributes is not None
    assert page.items[0].attributes.tags == ["a"]


async def test_a_long_poll_ends_with_the_next_change(http: aiohttp.ClientSession) -> None:
    waiting = asyncio.create_task(http.get("/api/v1/changes?after=0&wait_s=5").__aenter__())
    await asyncio.sleep(0.05)
    file = await put(http)
    page = ChangePage.model_validate_json(await (await waiting).read())
    assert [change.file_id for change in page.items] == [file.file_id]


async def test_a_stale_revision_and_an_unknown_file_are_refused(http: aiohttp.ClientSession) -> None:
    file = await put(http)
    url = f"/api/v1/files/{file.file_id}"
    async with http.patch(url, json={"tags": []}, headers={"If-Match": '"r7"'}) as answer:
        assert await code(answer) == (412, "revision_mismatch")
    async with http.get(f"/api/v1/files/{new_file_id()}") as answer:
        assert await code(answer) == (404, "file_unknown")


async def test_a_sender_that_goes_away_leaves_nothing(element: StandInElement) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(element.url.rpartition(":")[2]))
    writer.write(
        f"PUT /api/v1/files/{new_file_id()} HTTP/1.1\r\nHost: e\r\nAuthorization: Bearer x\r\nContent-Length: 10\r\n"
        f"{ATTRIBUTES_HEADER}: {HEADERS[ATTRIBUTES_HEADER]}\r\n\r\nhalf".encode()
    )
    await asyncio.sleep(0.05)
    assert element.uploads
    writer.close()
    await asyncio.sleep(0.05)
    assert not element.uploads
    assert not element.files


async def test_modes_and_faults(http: aiohttp.ClientSession, element: StandInElement) -> None:
    file = await put(http)
    element.faults.refuse = StorageFull()
    async with http.put(f"/api/v1/files/{new_file_id()}", data=CONTENT, headers=HEADERS) as answer:
        assert await code(answer) == (507, "storage_full")
    element.faults.refuse, element.faults.cut_before_answer = None, True
    element.faults.methods = frozenset({"PUT"})
    with pytest.raises(aiohttp.ClientError):
        await put(http, b"ambiguous")
    assert len(element.files) == 2
    element.mode = Mode.RW
    async with http.delete(f"/api/v1/files/{file.file_id}") as answer:
        assert await code(answer) == (409, "mode_forbids")


async def test_content_can_be_cut_half_way(http: aiohttp.ClientSession, element: StandInElement) -> None:
    file = await put(http)
    element.faults.cut_after_bytes = 10
    async with http.get(f"/api/v1/files/{file.file_id}/content") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_an_element_can_die_and_come_back(http: aiohttp.ClientSession, element: StandInElement) -> None:
    file = await put(http)
    await element.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await put(http)
    await element.start()
    async with http.get(f"/api/v1/files/{file.file_id}") as answer:
        assert answer.status == 200
