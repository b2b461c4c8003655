"""Uploads in parts: each part is there when it is answered, and whoever comes next goes on where the upload ends."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from element_core import ASKER, Syncs, until
from part_sender import CONTENT, Sender, begin, begun, staged
from running_element import MIB, Element, ElementAt, SettingsAt, code

from artstore_kit.contracts.errors import IncompleteBody, UploadTakenOver
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.contracts.uploads import OFFSET_HEADER
from artstore_kit.digests import format_sha256
from artstore_kit.testing.admin import AdminStandIn
from storage_element.adapters.local import disk
from storage_element.adapters.local.direct import DirectFile
from storage_element.adapters.local.fence import Fence
from storage_element.domain import layout
from storage_element.domain.capacity import Room
from storage_element.services.receive import Announced


@pytest.mark.parametrize("parts", [[0], [5], [4096], [MIB, 2 * MIB], [1, 4095, 4097, 2 * MIB + 1], [len(CONTENT)]])
async def test_parts_of_any_size_make_one_file(element: Element, parts: list[int]) -> None:
    sender = await begun(element, collection="big", tags=["a"])
    for start, end in zip([0, *parts], [*parts, len(CONTENT)], strict=True):
        answer = await sender.append(start, CONTENT[start:end])
        assert (answer.status_code, answer.headers[OFFSET_HEADER]) == (204, str(end))
        assert await sender.offset() == end
    file = await sender.stored(CONTENT)
    assert (file.file_id, file.collection, file.tags) == (sender.upload.file_id, "big", ["a"])
    assert (file.content.name, file.uploaded_by, file.revision) == ("large.bin", "tester", 1)
    assert element.staged() == []
    assert code(await sender.commit(CONTENT)) == (404, "upload_unknown")
    assert [change.file_id for change in (await element.feed_up_to(1)).items] == [file.file_id]


@pytest.mark.parametrize("content", [b"", b"small"])
async def test_a_small_upload_and_one_of_unknown_size_are_uploads_too(element: Element, content: bytes) -> None:
    sender = await begun(element, None)
    assert (await sender.append(0, content)).status_code == 204
    await sender.stored(content)


async def test_a_part_begins_where_the_upload_ends(element: Element) -> None:
    sender = await begun(element, 10)
    assert (await sender.append(0, b"01234")).status_code == 204
    for offset in (0, 4, 6):
        refused = await sender.append(offset, b"xxxxx")
        assert code(refused) == (409, "upload_offset_mismatch")
        assert refused.headers[OFFSET_HEADER] == "5"
    for header in ({}, {OFFSET_HEADER: "x"}, {OFFSET_HEADER: "-1"}, {OFFSET_HEADER: str(2**63)}):
        assert code(await element.http.patch(sender.path, content=b"x", headers=header)) == (400, "bad_request")
    assert (await sender.append(5, b"56789")).status_code == 204
    await sender.stored(b"0123456789")


async def test_more_than_was_announced_is_refused(element: Element) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"01234"

    sender = await begun(element, 10)
    assert code(await sender.append(0, b"0123456789x")) == (413, "file_too_large")
    assert code(await sender.append(0, chunks())) == (413, "file_too_large")
    assert await sender.offset() == 0


async def test_less_than_was_announced_is_not_committed(element: Element) -> None:
    sender = await begun(element, 10)
    await sender.append(0, b"01234")
    refused = await sender.commit()
    assert code(refused) == (409, "upload_incomplete")
    assert refused.headers[OFFSET_HEADER] == "5"
    assert code(await element.http.get(f"/api/v1/files/{sender.upload.file_id}")) == (404, "file_unknown")


async def test_a_part_with_a_wrong_digest_does_not_count(element: Element) -> None:
    sender = await begun(element, 10)
    right, wrong = (format_sha256(hashlib.sha256(each).digest()) for each in (b"01234", b"other"))
    assert code(await sender.append(0, b"01234", wrong)) == (400, "digest_mismatch")
    assert await sender.offset() == 0
    assert (await sender.append(0, b"01234", right)).status_code == 204
    assert code(await sender.append(5, b"other", right)) == (400, "digest_mismatch")
    assert (await sender.append(5, b"56789")).status_code == 204
    assert code(await sender.commit(b"something else")) == (400, "digest_mismatch")
    await sender.stored(b"0123456789")


async def test_what_came_of_a_part_that_broke_off_counts(element: Element) -> None:
    async def breaks_off() -> AsyncIterator[bytes]:
        yield CONTENT[:1_000_000]
        raise IncompleteBody

    sender = await begun(element)
    with pytest.raises(IncompleteBody):
        await sender.append_body(0, breaks_off(), Announced(sha256=bytes(32)))
    assert await sender.offset() == 0
    with pytest.raises(IncompleteBody):
        await sender.append_body(0, breaks_off())
    assert await sender.offset() == 1_000_000
    assert (await sender.append(1_000_000, CONTENT[1_000_000:])).status_code == 204
    await sender.stored(CONTENT)


async def test_whoever_comes_next_takes_over(element: Element) -> None:
    begun_to_send = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        begun_to_send.set()
        await asyncio.Event().wait()

    sender = await begun(element)
    first = asyncio.create_task(sender.append_body(0, hangs()))
    await begun_to_send.wait()
    assert (await sender.append(0, CONTENT)).status_code == 204
    with pytest.raises(UploadTakenOver):
        await first
    await sender.stored(CONTENT)


async def test_of_many_who_come_at_once_one_goes_on(element: Element) -> None:
    sender = await begun(element)
    answers = await asyncio.gather(*(sender.append(0, CONTENT) for _ in range(8)))
    assert sorted({answer.status_code for answer in answers}) in ([204], [204, 409])
    assert sum(answer.status_code == 204 for answer in answers) == 1
    assert {code(answer)[1] for answer in answers if answer.status_code == 409} <= {
        "upload_taken_over",
        "upload_offset_mismatch",
    }
    await sender.stored(CONTENT)


async def test_an_upload_goes_on_after_a_restart(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        sender = await begun(element, tags=["a"])
        await sender.append(0, CONTENT[:1_234_567])
        other = await begun(element, 5)
    with staged(root, sender).open("ab") as file:
        file.write(b"of a part that was not answered")
    async with element_at(root) as element:
        sender, other = Sender(element, sender.upload), Sender(element, other.upload)
        assert (await sender.offset(), await other.offset()) == (1_234_567, 0)
        assert (await sender.append(1_234_567, CONTENT[1_234_567:])).status_code == 204
        assert (await sender.stored(CONTENT)).tags == ["a"]
        assert len(element.staged()) == 2


async def test_what_a_stale_master_writes_later_reaches_no_upload(element_at: ElementAt, root: Path) -> None:
    """It was stopped in the middle of a part, and goes on when another node has taken the upload over."""
    async with element_at(root) as element:
        sender = await begun(element)
        await sender.append(0, CONTENT[:10_000])
        stale = staged(root, sender).open("r+b", buffering=0)
    async with element_at(root) as element:
        sender = Sender(element, sender.upload)
        assert (await sender.append(10_000, CONTENT[10_000:])).status_code == 204
        stale.write(bytes(len(CONTENT)))
        file = await sender.stored(CONTENT)
        stale.truncate(5)
        stale.close()
        assert (await element.content(file.file_id)).content == CONTENT


async def test_a_part_under_way_when_another_node_takes_over_is_refused(element: Element) -> None:
    sender = await begun(element)
    await sender.append(0, CONTENT[:10_000])
    Fence(element.root).take_over(0)
    for answer in (
        await sender.append(10_000, CONTENT[10_000:]),
        await sender.append(10_000, b"once more"),
        await element.http.delete(sender.path),
        await begin(element, 5),
    ):
        assert code(answer) == (503, "no_master")


async def test_what_a_crash_left_of_a_committed_upload_is_cleared_away(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        sender = await begun(element, 5)
        await sender.append(0, b"12345")
        path = staged(root, sender, layout.SESSION_SUFFIX)
        state = path.read_bytes()
        await sender.stored(b"12345")
    path.write_bytes(state)
    async with element_at(root) as element:
        assert code(await element.http.get(sender.path)) == (404, "upload_unknown")
        assert element.staged() == []
        digest = {"Repr-Digest": format_sha256(hashlib.sha256(b"12345").digest())}
        again = await element.http.post(f"{sender.path}/commit?file_id={sender.upload.file_id}", headers=digest)
        assert again.status_code == 200


async def test_state_that_cannot_be_read_is_left_where_it_is(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        sender = await begun(element, 5)
        await sender.append(0, b"12345")
    path = staged(root, sender, layout.SESSION_SUFFIX)
    path.write_bytes(b"{")
    async with element_at(root) as element:
        assert code(await element.http.get(sender.path)) == (404, "upload_unknown")
        assert element.staged() == sorted([str(sender.upload.upload_id), path.name])


async def test_content_that_was_lost_is_told(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        sender = await begun(element, 10)
        await sender.append(0, b"12345")
    staged(root, sender).write_bytes(b"123")
    async with element_at(root) as element:
        sender = Sender(element, sender.upload)
        assert code(await sender.append(5, b"67890")) == (502, "content_corrupt")
        assert (await element.send()).status_code == 201


async def test_an_upload_can_be_given_up(element: Element) -> None:
    sender = await begun(element)
    await sender.append(0, CONTENT)
    assert (await element.http.delete(sender.path)).status_code == 204
    assert element.staged() == []
    assert code(await element.http.get(sender.path)) == (404, "upload_unknown")
    assert code(await sender.append(len(CONTENT), b"")) == (404, "upload_unknown")


async def test_an_upload_is_forgotten_when_nobody_goes_on_with_it(
    settings_at: SettingsAt, root: Path, bearer: dict[str, str]
) -> None:
    async with settings_at.running(root, bearer, uploads={"expiry_s": 0.3, "reap_interval_s": 0.02}) as element:
        sender, lasting = await begun(element), await begun(element)
        began = asyncio.get_running_loop().time()
        await sender.append(0, CONTENT)
        for at in range(8):
            await lasting.append(at, b"x")
            await asyncio.sleep(0.08)
        assert asyncio.get_running_loop().time() - began > 0.3
        assert code(await element.http.get(sender.path)) == (404, "upload_unknown")
        assert await lasting.offset() == 8
        assert str(sender.upload.upload_id) not in element.staged()


async def test_after_a_restart_there_is_time_to_go_on(element_at: ElementAt, root: Path) -> None:
    """However long the element was down, or its clock jumped."""
    async with element_at(root) as element:
        sender = await begun(element)
    path = staged(root, sender, layout.SESSION_SUFFIX)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"expires_at": long_ago.isoformat()}))
    async with element_at(root) as element:
        await element.services.uploads.reap()
        assert await Sender(element, sender.upload).offset() == 0


async def test_room_is_reserved_until_the_upload_ends(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage_element.adapters.local.files.LocalFiles.room", lambda _: Room(1000, 100))
    sender = await begun(element, 60)
    assert code(await begin(element, 60)) == (507, "storage_full")
    assert code(await element.send(b"x" * 50)) == (507, "storage_full")
    await sender.append(0, b"x" * 30)
    assert (await element.send(b"x" * 60)).status_code == 201
    await element.http.delete(sender.path)
    assert (await begin(element, 100)).status_code == 201


async def test_reserved_room_is_reserved_after_a_restart(
    element_at: ElementAt, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with element_at(root) as element:
        sender = await begun(element, 60)
        await sender.append(0, b"x" * 10)
    monkeypatch.setattr("storage_element.adapters.local.files.LocalFiles.room", lambda _: Room(1000, 100))
    async with element_at(root) as element:
        assert code(await begin(element, 51)) == (507, "storage_full")
        assert (await begin(element, 50)).status_code == 201


@pytest.mark.parametrize("limits", [{"open_count": 1}, {"open_bytes": 150}])
async def test_there_are_not_too_many_at_a_time(
    settings_at: SettingsAt, root: Path, bearer: dict[str, str], limits: dict[str, int]
) -> None:
    async with settings_at.running(root, bearer, uploads=limits) as element:
        sender = await begun(element, 100)
        refused = await begin(element, 100)
        assert code(refused) == (503, "upload_limit_reached")
        assert refused.headers["retry-after"] == "60"
        await element.http.delete(sender.path)
        await begun(element, 100)


async def test_many_who_begin_at_once_stay_within_the_limits(
    settings_at: SettingsAt, root: Path, bearer: dict[str, str]
) -> None:
    for number, limits in enumerate(({"open_count": 3}, {"open_bytes": 350})):
        at = root.with_name(f"element-{number}")
        async with settings_at.running(at, bearer, uploads=limits) as element:
            answers = await asyncio.gather(*(begin(element, 100) for _ in range(40)))
            assert sorted(answer.status_code for answer in answers) == [201] * 3 + [503] * 37
            begun_ones = [answer.json()["upload_id"] for answer in answers if answer.is_success]
            await element.http.delete(f"/api/v1/uploads/{begun_ones[0]}")
            again = await asyncio.gather(*(begin(element, 100) for _ in range(10)))
            assert sorted(answer.status_code for answer in again) == [201] + [503] * 9


async def test_parts_of_uploads_of_unknown_size_stay_within_the_limit(
    settings_at: SettingsAt, root: Path, bearer: dict[str, str]
) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 10
            await asyncio.sleep(0)

    async with settings_at.running(root, bearer, uploads={"open_bytes": 250}) as element:
        senders = [await begun(element, None) for _ in range(8)]
        announced = await asyncio.gather(*(sender.append(0, b"x" * 100) for sender in senders))
        assert sorted(answer.status_code for answer in announced) == [204] * 2 + [503] * 6
        taken = [sender for sender, answer in zip(senders, announced, strict=True) if answer.is_success]
        left = [sender for sender in senders if sender not in taken]
        assert [await sender.offset() for sender in left] == [0] * 6
        chunked = await asyncio.gather(*(sender.append(0, in_chunks()) for sender in left))
        assert {code(answer) for answer in chunked} == {(503, "upload_limit_reached")}
        assert code(await begin(element, 51)) == (503, "upload_limit_reached")
        await taken[0].stored(b"x" * 100)
        assert (await left[0].append(0, in_chunks())).status_code == 204
        assert (await left[0].append(100, b"x" * 50)).status_code == 204
        await taken[1].append(100, b"")
        assert code(await begin(element, 1)) == (503, "upload_limit_reached")
    async with settings_at.running(root, bearer, uploads={"open_bytes": 250}) as element:
        assert code(await begin(element, 1)) == (503, "upload_limit_reached")


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_commit_whose_answer_was_lost_can_be_repeated(
    element_at: ElementAt, root: Path, admin: AdminStandIn, restarts: bool
) -> None:
    async with element_at(root) as element:
        sender = await begun(element)
        await sender.append(0, CONTENT)
        stored = await sender.stored(CONTENT)
        if not restarts:
            await _is_found(sender, stored, admin)
    if restarts:
        async with element_at(root) as element:
            await _is_found(Sender(element, sender.upload), stored, admin)


async def _is_found(sender: Sender, stored: FileAttributes, admin: AdminStandIn) -> None:
    path = f"{sender.path}/commit?file_id={stored.file_id}"
    digest = {"Repr-Digest": format_sha256(bytes.fromhex(stored.content.sha256))}
    for _ in range(2):
        answer = await sender.element.http.post(path, headers=digest)
        assert (answer.status_code, answer.content) == (200, stored.to_json())
    wrong = {"Repr-Digest": format_sha256(bytes(32))}
    unknown = f"{sender.path}/commit?file_id={new_file_id()}"
    somebody_else = digest | admin.mint.bearer(subject="somebody-else")
    for where, headers in ((path, {}), (path, wrong), (path, somebody_else), (unknown, digest)):
        assert code(await sender.element.http.post(where, headers=headers)) == (404, "upload_unknown")


async def test_a_commit_that_is_repeated_while_the_first_is_under_way_finds_the_file(element: Element) -> None:
    sender = await begun(element, 5)
    await sender.append(0, b"12345")
    path = f"{sender.path}/commit?file_id={sender.upload.file_id}"
    digest = {"Repr-Digest": format_sha256(hashlib.sha256(b"12345").digest())}
    answers = await asyncio.gather(*(element.http.post(path, headers=digest) for _ in range(5)))
    assert any(answer.is_success for answer in answers)
    assert {code(answer)[1] for answer in answers if not answer.is_success} <= {"upload_taken_over"}
    assert (await element.http.post(path, headers=digest)).status_code == 200


async def test_an_upload_belongs_to_its_sender(element: Element, admin: AdminStandIn) -> None:
    sender = await begun(element)
    other = admin.mint.bearer(subject="somebody-else")
    for method, path in (("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", "/commit")):
        headers = other | {OFFSET_HEADER: "0"}
        answer = await element.http.request(method, f"{sender.path}{path}", headers=headers)
        assert code(answer) == (404, "upload_unknown")
    assert await sender.offset() == 0


async def test_what_is_no_upload_is_told(element: Element) -> None:
    assert code(await element.http.get(f"/api/v1/uploads/{uuid4()}")) == (404, "upload_unknown")
    assert (await element.http.get("/api/v1/uploads/x")).status_code == 422
    answer = await element.http.patch("/api/v1/uploads/x", content=b"", headers={OFFSET_HEADER: "0"})
    assert code(answer) == (400, "bad_request")
    for creation in (
        {},
        {"file_id": str(new_file_id()), "attributes": {}},
        {"file_id": "x", "attributes": {"name": "n"}},
    ):
        assert (await element.http.post("/api/v1/uploads", json=creation)).status_code == 422
    old = {"file_id": str(uuid4()), "size": 1, "attributes": {"name": "n"}}
    assert (await element.http.post("/api/v1/uploads", json=old)).status_code == 422


async def test_an_id_that_is_taken_is_told_at_once_and_at_the_end(element: Element) -> None:
    sender = await begun(element, 5)
    await sender.append(0, b"12345")
    await element.put(b"other", sender.upload.file_id)
    assert code(await sender.commit()) == (409, "file_exists")
    creation = {"file_id": str(sender.upload.file_id), "size": 5, "attributes": {"name": "n"}}
    assert code(await element.http.post("/api/v1/uploads", json=creation)) == (409, "file_exists")
    same = await begun(element, 5)
    await same.append(0, b"12345")
    await element.put(b"12345", same.upload.file_id)
    answer = await same.commit()
    assert (answer.status_code, answer.json()["content"]["size"]) == (200, 5)


@pytest.mark.parametrize("mode", [Mode.RO, Mode.AR])
async def test_an_archive_takes_none(settings_at: SettingsAt, root: Path, bearer: dict[str, str], mode: Mode) -> None:
    async with settings_at.running(root, bearer, mode=mode) as element:
        assert code(await begin(element, 5)) == (409, "mode_forbids")


async def test_a_part_is_on_stable_storage_before_it_is_answered(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await begun(element, 5)
    syncs = Syncs(monkeypatch)
    syncs.error = OSError(5, "Input/output error")
    assert code(await sender.append(0, b"12345")) == (503, "storage_fault")
    syncs.error = None
    assert code(await sender.append(0, b"12345")) == (503, "storage_fault")
    assert code(await begin(element, 5)) == (503, "storage_fault")
    assert code(await element.http.delete(sender.path)) == (503, "storage_fault")
    assert await sender.offset() == 0


async def test_a_full_disk_refuses_a_part_and_keeps_the_others(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await begun(element, 10)
    await sender.append(0, b"12345")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(DirectFile, "append", full)
        assert code(await sender.append(5, b"67890")) == (507, "storage_full")
    assert await sender.offset() == 5
    assert (await sender.append(5, b"67890")).status_code == 204
    await sender.stored(b"1234567890")


@pytest.mark.parametrize("full", [True, False])
async def test_content_that_cannot_be_made_anew_leaves_nothing(
    element: Element, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    """Bytes of a part that did not count have to go before the commit, and there is no room, or too little to read."""
    sender = await begun(element, None)
    await sender.append(0, b"12345")
    assert code(await sender.append(5, b"other", format_sha256(bytes(32)))) == (400, "digest_mismatch")
    before, content = element.staged(), staged(element.root, sender).read_bytes()

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if full:
            patched.setattr(disk, "write_all", no_room)
        else:
            staged(element.root, sender).write_bytes(b"123")
        expected = (507, "storage_full") if full else (502, "content_corrupt")
        assert code(await sender.commit(b"12345")) == expected
    assert element.staged() == before
    staged(element.root, sender).write_bytes(content)
    await sender.stored(b"12345")


async def test_a_commit_goes_to_its_end_when_the_sender_goes(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = await begun(element, 5)
    await sender.append(0, b"12345")
    syncs = Syncs(monkeypatch)
    service, upload = element.services.uploads, sender.upload
    committing = asyncio.create_task(service.commit(upload.upload_id, ASKER, None))
    await until(lambda: syncs.count > 0)
    committing.cancel()
    await asyncio.wait([committing])
    assert (await element.content(upload.file_id)).content == b"12345"
    assert code(await element.http.get(sender.path)) == (404, "upload_unknown")
