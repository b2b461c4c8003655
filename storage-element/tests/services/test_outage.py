"""An element whose store is away, slow or untrue: callers are told, and when it is back, all goes on by itself."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from faulty_store import Act, FaultyStore, cut, faulty_store, lost, not_kept, refused, slow
from part_sender import begun
from running_element import Element, ElementAt, code
from s3_servers import settings_of

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.ids import new_file_id
from storage_element.adapters.s3 import attempts

LARGE = b"large" * 40_000
PASSING = {"503": refused(503, "SlowDown"), "cut": cut, "lost": lost}
UNAVAILABLE = (503, "storage_unavailable")


@pytest.fixture
async def store(moto_url: str) -> AsyncIterator[FaultyStore]:
    async with faulty_store(moto_url) as store:
        yield store


@pytest.fixture
async def element(element_at: ElementAt, root: Path, store: FaultyStore) -> AsyncIterator[Element]:
    """In a bucket behind the proxy; a request that is not answered is given up within three seconds."""
    s3 = settings_of(store.url, uuid4().hex, give_up_s=3.0, attempts_count=2, read_timeout_s=1.0)
    async with element_at(root, s3=s3) as element:
        yield element
        store.heal()


async def health(element: Element, check: str) -> tuple[int, str]:
    answer = await element.http.get("/health/ready")
    return answer.status_code, answer.json()["checks"][check]["health"]


async def sent_when_it_writes(element: Element, file: UUID) -> httpx.Response:
    """The first answer that is not 503."""
    async with asyncio.timeout(5):
        while (answer := await element.send(b"committed", file)).status_code == 503:  # noqa: ASYNC110 (from outside there is no event)
            await asyncio.sleep(0.1)
    return answer


async def test_an_element_lives_in_a_bucket(element: Element) -> None:
    small, large = await element.put(b"small"), await element.put(LARGE)
    assert (await element.patch(small.file_id, tags=["a"])).status_code == 200
    assert (await element.replace(small, b"other")).status_code == 200
    assert (await element.content(small.file_id)).content == b"other"
    assert (await element.content(large.file_id, range="bytes=5-9")).content == LARGE[5:10]
    assert (await element.remove(small.file_id)).status_code == 204
    assert code(await element.content(small.file_id)) == (404, "file_unknown")
    assert (await element.send(LARGE, large.file_id)).status_code == 200
    assert await health(element, "store") == (200, "ok")


async def test_what_is_removed_is_read_no_further(element: Element) -> None:
    file = await element.put(LARGE * 3)

    async def removed_while_read() -> None:
        async with element.services.reader.content(file) as content:
            chunks = content.chunks(0, content.size)
            assert bytes(await anext(chunks)) == (LARGE * 3)[:262_144]
            assert (await element.remove(file.file_id)).status_code == 204
            await anext(chunks)

    with pytest.raises(FileUnknown, match="removed while it was being read"):
        await removed_while_read()


@pytest.mark.parametrize("away", [cut, refused(503, "SlowDown"), slow(5)], ids=["away", "busy", "silent"])
async def test_uploads_are_refused_while_the_store_is_away(element: Element, store: FaultyStore, away: Act) -> None:
    before = await element.put(b"before")
    await element.attributes(before.file_id)
    store.will(away)
    async with asyncio.timeout(20):
        for content in (b"small", LARGE):
            answer = await element.send(content)
            assert code(answer) == UNAVAILABLE
            assert answer.headers["Retry-After"] == "5"
    assert (await element.attributes(before.file_id)).file_id == before.file_id, "it is remembered"
    assert await health(element, "store") == (200, "degraded")
    assert code(await element.content(before.file_id)) == UNAVAILABLE
    store.heal()
    after = await element.put(b"after")
    assert (await element.content(after.file_id)).content == b"after"
    assert (await element.content(before.file_id)).content == b"before"
    assert await health(element, "store") == (200, "ok")


async def test_what_is_committed_is_put_in_place_when_the_store_is_back(element: Element, store: FaultyStore) -> None:
    store.will(cut, "PUT", "/files/")
    file = new_file_id()
    assert code(await element.send(b"committed", file)) == UNAVAILABLE
    assert code(await element.send(b"other")) == UNAVAILABLE
    state = (await element.http.get("/api/v1/element")).json()
    assert (state["state"], state["writable"]) == ("storage_unavailable", False)
    store.heal()
    again = await sent_when_it_writes(element, file)
    assert again.status_code == 200, "it was there already"
    assert (await element.content(file)).content == b"committed"


async def test_who_waits_behind_what_cannot_be_put_in_place_is_told(element: Element, store: FaultyStore) -> None:
    """One after another they come into the journal, and the first keeps the others from their place."""
    store.will(cut, "PUT", "/files/")
    files = [new_file_id() for _ in range(8)]
    senders = []
    for file in files:
        senders.append(asyncio.create_task(element.send(b"committed", file)))
        await asyncio.sleep(0.02)
    async with asyncio.timeout(10):
        assert {code(answer) for answer in await asyncio.gather(*senders)} == {UNAVAILABLE}
    store.heal()
    for file in files:
        assert (await sent_when_it_writes(element, file)).status_code in {200, 201}
        assert (await element.content(file)).content == b"committed"


@pytest.mark.parametrize("act", PASSING.values(), ids=list(PASSING))
async def test_what_passes_costs_a_caller_time_alone(
    element: Element, store: FaultyStore, monkeypatch: pytest.MonkeyPatch, act: Act
) -> None:
    """At each request that changes something: of an upload that rides in the journal, and of one in parts."""
    monkeypatch.setattr(attempts, "FIRST_PAUSE_S", 0.01)
    keys = [("PUT", "/journal/"), ("PUT", ".attr.json"), ("PUT", ".v1"), ("POST", ".v1"), ("PUT", "/staging/")]
    for method, key in keys:
        fault = store.will(act, method, key, times=1)
        small, large = await element.put(b"small"), await element.put(LARGE)
        assert fault.times == 0, (method, key)
        assert (await element.content(small.file_id)).content == b"small"
        assert (await element.content(large.file_id)).content == LARGE
    assert await health(element, "storage") == (200, "ok")


@pytest.mark.parametrize(
    ("method", "key", "content", "is_there"),
    [
        ("PUT", "/journal/", b"small", False),
        ("PUT", ".attr.json", b"small", True),
        ("PUT", ".v1", b"small", True),
        ("PUT", "partNumber=1", LARGE, False),
        ("PUT", ".attr.json", LARGE, True),
    ],
    ids=["journal", "attributes", "content", "part", "attributes of a large one"],
)
async def test_what_the_store_says_it_has_and_has_not_is_not_acknowledged(
    element_at: ElementAt, root: Path, store: FaultyStore, method: str, key: str, content: bytes, is_there: bool
) -> None:
    """No success, then no writes; a restart decides, and what it shows is whole."""
    opened = partial(element_at, root, s3=settings_of(store.url, uuid4().hex))
    file_id = new_file_id()
    async with opened() as element:
        before = await element.put(b"before")
        store.will(not_kept, method, key, times=1)
        assert code(await element.send(content, file_id)) == (503, "storage_fault")
        assert code(await element.send(b"later")) == (503, "storage_fault")
        assert await health(element, "storage") == (200, "degraded")
        assert (await element.content(before.file_id)).content == b"before"
    async with opened() as element:
        found = await element.content(file_id)
        assert (found.status_code, found.content == content) == ((200, True) if is_there else (404, False))
        assert (await element.content(before.file_id)).content == b"before"
        assert (await element.send(content, file_id)).status_code == (200 if is_there else 201)
        assert (await element.content(file_id)).content == content


async def test_a_piece_of_an_upload_that_was_not_kept_is_not_answered(element: Element, store: FaultyStore) -> None:
    sender = await begun(element, len(LARGE))
    store.will(not_kept, "PUT", f"/staging/{sender.upload.upload_id}.", times=2)
    for _ in range(2):
        assert code(await sender.append(0, LARGE)) == (503, "storage_fault")
