"""The write path under errors of the disk, limits, and callers that come twice or go away."""

import asyncio
import errno
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from element_core import TESTER, Syncs, until
from running_element import MIB, Element, ElementAt, arriving, code

from artstore_kit.contracts.errors import IncompleteBody, StorageFull
from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from storage_element.adapters.local import stream
from storage_element.adapters.local.direct import DirectFile
from storage_element.adapters.local.fence import Fence
from storage_element.domain.capacity import Room
from storage_element.services.receive import Announced
from storage_element.services.write import Upload

LARGE = bytes(3 * MIB)


def raising(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def failing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Staged content meets this error."""

    def fails(*_: object) -> None:
        raise raising(number)

    monkeypatch.setattr(DirectFile, "append", fails)


async def test_the_attributes_may_fill_their_limit_and_no_more(element: Element) -> None:
    """Whatever size, time and LSN the file gets, attr.json stays within its limit."""

    async def stored(length: int) -> tuple[int, int]:
        metadata = {"a": "x" * length}
        answer = await element.send(LARGE, metadata=metadata)
        return answer.status_code, len(answer.content)

    fits, too_long = 0, ATTRIBUTES_LIMIT_BYTES
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        status, _ = await stored(middle)
        fits, too_long = (middle, too_long) if status == 201 else (fits, middle)
    status, size = await stored(fits)
    assert (status, ATTRIBUTES_LIMIT_BYTES - 80 < size <= ATTRIBUTES_LIMIT_BYTES) == (201, True)
    assert code(await element.send(b"", metadata={"a": "x" * too_long})) == (422, "attributes_too_large")
    file = await element.put()
    assert code(await element.patch(file.file_id, metadata={"a": "x" * 4000})) == (422, "attributes_too_large")
    assert element.staged() == []


async def test_another_request_for_the_same_file_waits_its_turn(element: Element) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first "
        begun.set()
        await goes_on.wait()
        yield b"part"

    file_id = new_file_id()
    first = asyncio.create_task(element.send(slow(), file_id))
    await begun.wait()
    answer = await element.send(b"other", file_id)
    assert code(answer) == (409, "upload_in_progress")
    assert answer.headers["retry-after"] == "1"
    goes_on.set()
    assert (await first).status_code == 201
    assert (await element.content(file_id)).content == b"first part"


async def test_changes_of_one_file_are_one_after_the_other(element: Element) -> None:
    file = await element.put()
    answers = await asyncio.gather(*(element.patch(file.file_id, tags=[str(number)]) for number in range(20)))
    done = [answer for answer in answers if answer.status_code == 200]
    assert {code(answer)[1] for answer in answers if answer not in done} <= {"upload_in_progress"}
    assert (await element.attributes(file.file_id)).revision == 1 + len(done)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_no_room_concerns_one_upload(element: Element, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    with monkeypatch.context() as patched:
        failing(patched, number)
        assert code(await element.send(LARGE)) == (507, "storage_full")
    assert (await element.send(LARGE)).status_code == 201
    assert element.staged() == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
async def test_a_process_short_of_something_is_no_fault_of_the_disk(
    element: Element, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as patched:
        failing(patched, number)
        assert code(await element.send(LARGE)) == (503, "storage_fault")
    assert (await element.send(LARGE)).status_code == 201


async def test_an_error_of_the_disk_stops_writes_and_reads_go_on(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await element.put()
    with monkeypatch.context() as patched:
        failing(patched, errno.EIO)
        assert code(await element.send(LARGE)) == (503, "storage_fault")
    for answer in (
        await element.send(),
        await element.patch(file.file_id, tags=["x"]),
        await element.remove(file.file_id),
    ):
        assert code(answer) == (503, "storage_fault")
    assert (await element.content(file.file_id)).content == b"content"
    state = (await element.http.get("/api/v1/element")).json()
    assert (state["writable"], state["state"]) == (False, "storage_fault")
    ready = (await element.http.get("/health/ready")).json()
    assert (ready["health"], ready["checks"]["storage"]["health"]) == ("degraded", "degraded")
    assert element.staged() == []


@pytest.mark.parametrize("size", [10, 2 * MIB])
async def test_an_upload_under_way_when_another_node_takes_over_is_refused(element: Element, size: int) -> None:
    """No fault of the storage: reads go on, and the sender is told to try again."""
    kept = await element.put(b"kept")
    other = Fence(element.root)

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(size)
        other.take_over(0)
        yield bytes(size)

    answer = await element.send(chunks())
    assert code(answer) == (503, "no_master")
    assert answer.headers["retry-after"] == "1"
    for refused in (await element.send(), await element.patch(kept.file_id, tags=["x"])):
        assert code(refused) == (503, "no_master")
    assert (await element.content(kept.file_id)).content == b"kept"
    assert (await element.http.get("/api/v1/element")).json()["writable"] is False


async def test_a_failed_sync_of_the_journal_is_undone_by_a_restart(
    element_at: ElementAt, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was in doubt is either there or not; staged content of it does not keep the element from starting."""
    file_id, large_id = new_file_id(), new_file_id()
    async with element_at(root) as element:
        kept = await element.put(b"kept")
        syncs = Syncs(monkeypatch)
        syncs.error = raising(errno.EIO)
        syncs.passes = lambda: syncs.count == 1  # that of the staged content
        answers = [await element.send(LARGE, large_id), await element.send(b"late", file_id)]
        assert {code(answer) for answer in answers} == {(503, "storage_fault")}
        assert len(element.staged()) == 1
        syncs.error = None
    async with element_at(root) as element:
        assert (await element.content(kept.file_id)).content == b"kept"
        assert (await element.content(file_id)).status_code == 404
        assert element.staged() == []
        assert (await element.send(LARGE, large_id)).status_code in {200, 201}
        assert (await element.content(large_id)).content == LARGE


async def test_a_full_element_refuses_before_the_body_is_sent(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("nobody asked for the body")
        yield b""

    upload = Upload(new_file_id(), UploadAttributes(name="x"), "tester", TESTER, Announced(11))
    monkeypatch.setattr("storage_element.adapters.local.files.LocalFiles.room", lambda _: Room(100, 10))
    with pytest.raises(StorageFull, match="room for 10 bytes; the file needs 11"):
        await element.services.writer.create(upload, arriving(body()))


async def test_what_is_promised_to_one_upload_is_not_given_to_another(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage_element.adapters.local.files.LocalFiles.room", lambda _: Room(1000, 100))
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        begun.set()
        await goes_on.wait()
        yield b"x" * 60

    upload = Upload(new_file_id(), UploadAttributes(name="x"), "tester", TESTER, Announced(60))
    first = asyncio.create_task(element.services.writer.create(upload, arriving(slow())))
    await begun.wait()
    assert code(await element.send(b"x" * 41)) == (507, "storage_full")
    assert (await element.send(b"x" * 40)).status_code == 201
    goes_on.set()
    assert (await first)[1]
    assert (await element.send(b"x" * 100)).status_code == 201


async def test_a_caller_who_goes_away_during_the_commit_leaves_the_file_whole(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id stays reserved until the outcome is known: nobody else may use it in between."""
    syncs, goes_on = Syncs(monkeypatch), threading.Event()
    syncs.before = lambda: goes_on.wait(5)

    async def body() -> AsyncIterator[bytes]:
        yield b"content"

    upload = Upload(new_file_id(), UploadAttributes(name="x"), "tester", TESTER, Announced(7))
    creating = asyncio.create_task(element.services.writer.create(upload, arriving(body())))
    await until(lambda: syncs.count > 0)
    creating.cancel()
    assert code(await element.send(b"other", upload.file_id)) == (409, "upload_in_progress")
    goes_on.set()
    await asyncio.wait([creating])
    assert creating.cancelled()
    assert (await element.content(upload.file_id)).content == b"content"


@pytest.mark.parametrize("content", [b"short", LARGE])
async def test_a_body_that_ends_too_early_leaves_nothing(element: Element, content: bytes) -> None:
    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 65_536):
            yield content[at : at + 65_536]

    async def cut() -> AsyncIterator[bytes]:
        async for chunk in body():
            yield chunk
        raise IncompleteBody

    for announced, sent in ((len(content) + 1, body()), (None, cut())):
        upload = Upload(new_file_id(), UploadAttributes(name="x"), "tester", TESTER, Announced(announced))
        with pytest.raises(IncompleteBody):
            await element.services.writer.create(upload, arriving(sent))
        assert code(await element.http.get(f"/api/v1/files/{upload.file_id}")) == (404, "file_unknown")
    assert element.staged() == []


@pytest.fixture
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "FIRST_BUFFER_BYTES", 4096)
    monkeypatch.setattr(stream, "BUFFER_BYTES", 8192)


async def test_many_uploads_at_once_keep_their_bytes_apart(element: Element, small_buffers: None) -> None:
    contents = [os.urandom(70_000 + number) for number in range(24)]
    files = await asyncio.gather(*(element.put(content) for content in contents))
    for file, content in zip(files, contents, strict=True):
        assert (await element.content(file.file_id)).content == content
    assert element.staged() == []


async def test_attributes_are_as_they_were_given(element: Element) -> None:
    given: dict[str, Any] = {
        "name": "имя.txt",
        "media_type": "text/plain",
        "collection": "hr/2026",
        "retention": {"policy": "p", "kind": "permanent", "retain_until": "2030-01-01T03:00:00+03:00"},
        "description": "line\nline",
        "tags": ["a", "б"],
        "metadata": {"n": 1, "nested": {"x": [1, None, "y"]}},
    }
    file = await element.put(b"x", **given)
    stored = json.loads(element.attributes_path(file).read_bytes())
    assert stored["content"]["name"] == "имя.txt"
    assert stored["retention"] == {"policy": "p", "kind": "permanent", "retain_until": "2030-01-01T00:00:00Z"}
    assert [stored[name] for name in ("collection", "description", "tags", "metadata")] == [
        given[name] for name in ("collection", "description", "tags", "metadata")
    ]
    assert stored["uploaded_by"] == "tester"
