"""The scrub: every content is read again, from the disk; what is damaged is contained and told."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from running_element import Element, ElementAt, code
from structlog.testing import capture_logs

from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.patience import eventually
from storage_element.adapters.local import disk
from storage_element.config import ScrubSettings
from storage_element.domain import layout
from storage_element.domain.upkeep import ContentUnreadable
from storage_element.domain.verification import Cursor

FAST = ScrubSettings(enabled=False, mib_per_s=10_000)
LARGE = os.urandom(2**20 + 7)


async def status(element: Element) -> dict[str, Any]:
    answer = await element.http.get("/api/v1/element/scrub")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def order(element: Element, what: str) -> None:
    assert (await element.http.post(f"/api/v1/element/scrub/{what}")).status_code == 202


async def scrubbed(element: Element, within_s: float = 10) -> dict[str, Any]:
    """A whole pass from beginning to end."""
    before = (await status(element))["cursor"]["finished_at"]
    await order(element, "start")

    async def done() -> bool:
        now = await status(element)
        return now["state"] == "stopped" or now["cursor"]["finished_at"] not in {None, before}

    await eventually(done, within_s)
    return await status(element)


def quarantined(element: Element) -> list[str]:
    return sorted(each.name for each in (element.root / layout.QUARANTINE).iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
async def element(element_at: ElementAt, root: Path) -> AsyncIterator[Element]:
    async with element_at(root, scrub=FAST) as element:
        yield element


async def test_sound_content_is_counted_and_left_alone(element: Element) -> None:
    files = [await element.put(content) for content in (b"", b"content", LARGE)]
    told = await scrubbed(element)
    cursor = told["cursor"]
    assert (told["state"], told["damaged"]) == ("off", [])
    assert (cursor["files"], cursor["size_bytes"], cursor["damaged"]) == (3, len(LARGE) + 7, 0)
    assert quarantined(element) == []
    for file in files:
        assert (await element.content(file.file_id)).status_code == 200


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "emptied", "longer"])
@pytest.mark.parametrize("content", [b"content", LARGE])
async def test_damaged_content_is_moved_aside_and_told(element: Element, damage: str, content: bytes) -> None:
    bystander, file = await element.put(b"bystander"), await element.put(content)
    path = element.content_path(file)
    damaged = {
        "flipped bit": bytes([content[0] ^ 1]) + content[1:],
        "truncated": content[:-1],
        "emptied": b"",
        "longer": content + b"x",
    }[damage]
    path.write_bytes(damaged)
    assert (await scrubbed(element))["damaged"] == [str(file.file_id)]
    refused = await element.content(file.file_id)
    assert code(refused) == (410, "content_corrupt")
    assert await element.attributes(file.file_id) == file
    name = f"{file.file_id}.v1.1"
    assert quarantined(element) == [name, f"{name}.reason.json"]
    assert (element.root / layout.QUARANTINE / name).read_bytes() == damaged
    assert not path.exists()
    assert (await element.content(bystander.file_id)).content == b"bystander"


async def test_everybody_who_asks_is_told_how_the_element_is(element: Element) -> None:
    file = await element.put()
    flip(element.content_path(file))
    with capture_logs() as logs:
        await scrubbed(element)
    report = (await element.http.get("/api/v1/element")).json()
    assert (report["state"], report["corrupt_contents"], report["writable"]) == ("content_corrupt", 1, True)
    ready = await element.http.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["content"]["health"]) == (200, "degraded")
    assert "artstore_element_corrupt_contents 1.0" in (await element.http.get("/metrics")).text
    [told] = [each for each in logs if each["event"] == "content corrupt"]
    assert (told["log_level"], told["file_id"]) == ("error", str(file.file_id))


async def test_two_contents_that_changed_places(element: Element) -> None:
    first, second = await element.put(b"one"), await element.put(b"two")
    element.content_path(first).write_bytes(b"two")
    element.content_path(second).write_bytes(b"one")
    assert set((await scrubbed(element))["damaged"]) == {str(first.file_id), str(second.file_id)}


async def test_content_that_is_gone_is_told_once(element: Element) -> None:
    file = await element.put()
    element.content_path(file).unlink()
    for _ in range(2):
        assert (await scrubbed(element))["damaged"] == [str(file.file_id)]
    assert quarantined(element) == [f"{file.file_id}.v1.1.reason.json"]
    assert code(await element.content(file.file_id)) == (410, "content_corrupt")


async def test_the_truth_survives_a_restart_without_database(element_at: ElementAt, root: Path) -> None:
    """Nor does the replay look for content that was moved away."""
    async with element_at(root, scrub=FAST) as element:
        file = await element.put(LARGE)
        flip(element.content_path(file))
        await scrubbed(element)
    async with element_at(root, scrub=FAST) as element:
        assert code(await element.content(file.file_id)) == (410, "content_corrupt")
        assert (await status(element))["damaged"] == [str(file.file_id)]
        assert await element.attributes(file.file_id) == file
        assert len(quarantined(element)) == 2


async def test_content_that_was_put_back_is_served_again(element: Element) -> None:
    file = await element.put(b"content")
    flip(element.content_path(file))
    await scrubbed(element)
    element.content_path(file).write_bytes(b"content")
    assert (await scrubbed(element))["damaged"] == []
    assert (await element.content(file.file_id)).content == b"content"
    assert len(quarantined(element)) == 2


async def test_a_kill_between_the_reason_and_the_move(
    element_at: ElementAt, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is still in its place: it is judged again, and moved then."""
    rename = disk.rename_new

    def killed(source: Path, target: Path) -> None:
        if not target.name.endswith(layout.REASON_SUFFIX):
            raise OSError(errno.EIO, "killed here")
        rename(source, target)

    async with element_at(root, scrub=FAST) as element:
        file = await element.put()
        flip(element.content_path(file))
        with monkeypatch.context() as patched:
            patched.setattr(disk, "rename_new", killed)
            await order(element, "start")
            await eventually(lambda: _holds(quarantined(element) != []))
        assert element.content_path(file).exists()
    async with element_at(root, scrub=FAST) as element:
        await eventually(lambda: _holds(not element.content_path(file).exists()))
        assert code(await element.content(file.file_id)) == (410, "content_corrupt")


async def _holds(what: bool) -> bool:
    return what


@pytest.mark.parametrize(("may_pass", "status_code", "stays"), [(True, 502, True), (False, 410, False)])
async def test_content_that_cannot_be_read(
    element: Element, monkeypatch: pytest.MonkeyPatch, may_pass: bool, status_code: int, stays: bool
) -> None:
    """Without permission the content may be sound: it is marked and stays where it is."""
    file = await element.put()

    def fails(*_: object) -> None:
        raise ContentUnreadable("cannot be read: because", may_pass=may_pass)

    with monkeypatch.context() as patched:
        patched.setattr("storage_element.adapters.local.upkeep.Rereading", fails)
        assert (await scrubbed(element))["damaged"] == [str(file.file_id)]
        assert code(await element.content(file.file_id)) == (status_code, "content_corrupt")
    assert element.content_path(file).exists() is stays


async def test_a_removal_or_replacement_meanwhile_is_no_alarm(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each content is changed, lawfully, right after it was opened."""
    files = [await element.put(f"content {number}".encode()) for number in range(4)]
    upkeep = element.services.care.scrubber._upkeep
    really = upkeep.reread
    removed: list[UUID] = []

    async def races(file_id: UUID, version: int, pace: Any) -> Any:
        if file_id not in removed:
            removed.append(file_id)
            assert (await element.remove(file_id)).status_code == 204
            await element.put(b"another content", file_id)
        return await really(file_id, version, pace)

    monkeypatch.setattr(upkeep, "reread", races)
    told = await scrubbed(element)
    assert (told["damaged"], quarantined(element)) == ([], [])
    assert len(removed) == len(files)


async def test_an_id_that_is_given_again_has_no_past(element: Element) -> None:
    file = await element.put(b"content")
    flip(element.content_path(file))
    await scrubbed(element)
    assert (await element.remove(file.file_id)).status_code == 204
    await element.put(b"content", file.file_id)
    assert (await element.content(file.file_id)).content == b"content"
    assert (await scrubbed(element))["damaged"] == []


async def test_new_content_is_a_way_out(element: Element) -> None:
    file = await element.put(b"content")
    flip(element.content_path(file))
    await scrubbed(element)
    answer = await element.http.put(
        f"/api/v1/files/{file.file_id}/content", content=b"again", headers={"If-Match": f'"{file.content.sha256}"'}
    )
    assert answer.status_code == 200, answer.text
    assert (await element.content(file.file_id)).content == b"again"
    assert (await status(element))["damaged"] == []


async def test_damage_all_over_is_a_fault_of_the_disk(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage_element.services.scrub.MOST_DAMAGED_IN_A_ROW", 3)
    files = [await element.put(f"content {number}".encode()) for number in range(6)]
    for file in files:
        flip(element.content_path(file))
    told = await scrubbed(element)
    assert (told["state"], len(told["damaged"])) == ("stopped", 3)
    assert "in a row" in told["cursor"]["stopped_because"]
    await order(element, "start")

    async def goes_on() -> bool:
        return len((await status(element))["damaged"]) == 6

    await eventually(goes_on)


async def test_a_pass_goes_on_where_it_stopped(element_at: ElementAt, root: Path) -> None:
    slow = ScrubSettings(enabled=False, mib_per_s=4)
    async with element_at(root, scrub=slow) as element:
        files = [await element.put(os.urandom(2**20), new_file_id(1_700_000_000_000 + at * 60_000)) for at in range(8)]
        await order(element, "start")

        async def begun() -> bool:
            return int((await status(element))["cursor"]["files"]) >= 2

        await eventually(begun)
        element.services.care.scrubber._saved_at = 0.0
        before = (await status(element))["cursor"]
        await order(element, "pause")
        assert (await status(element))["state"] == "paused"
        await element.services.care.scrubber._save(element.services.care.scrubber._cursor or Cursor())
    async with element_at(root, scrub=FAST) as element:

        async def finished() -> bool:
            return (await status(element))["cursor"]["finished_at"] is not None

        await eventually(finished)
        cursor = (await status(element))["cursor"]
    assert (cursor["files"], cursor["started_at"]) == (8, before["started_at"])
    assert cursor["after"] == str(files[-1].file_id)


async def test_the_pace_is_kept(element_at: ElementAt, root: Path) -> None:
    async with element_at(root, scrub=ScrubSettings(enabled=False, mib_per_s=4)) as element:
        for _ in range(3):
            await element.put(os.urandom(2**20))
        began = asyncio.get_running_loop().time()
        await scrubbed(element)
        assert asyncio.get_running_loop().time() - began >= 0.45


async def test_passes_begin_by_themselves(element_at: ElementAt, root: Path) -> None:
    async with element_at(root, scrub=FAST) as element:
        file = await element.put()
    async with element_at(root, scrub=ScrubSettings(mib_per_s=1000)) as element:

        async def finished() -> bool:
            return int((await status(element))["cursor"]["files"]) == 1

        await eventually(finished)
        told = await status(element)
        assert (told["state"], told["cursor"]["after"]) == ("idle", str(file.file_id))


async def test_orders_need_a_right(element: Element) -> None:
    answer = await element.http.post("/api/v1/element/scrub/start", headers={"Authorization": ""})
    assert code(answer) == (401, "not_authenticated")
    assert (await element.http.post("/api/v1/element/scrub/burn")).status_code == 422


async def test_an_archive_is_scrubbed_too(element_at: ElementAt, root: Path) -> None:
    async with element_at(root, mode=Mode.RW, scrub=FAST) as element:
        file = await element.put()
        flip(element.content_path(file))
        assert (await scrubbed(element))["damaged"] == [str(file.file_id)]


# --- how old the oldest unverified content is

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def after(days: float) -> datetime:
    return BEGINNING + timedelta(days=days)


def days_old(cursor: Cursor, at: float) -> float:
    return cursor.oldest_unverified_age_s(after(at)) / 86_400


def test_age_before_during_and_after_passes() -> None:
    cursor = Cursor()
    assert days_old(cursor, 0) == 0
    cursor.begin(after(10))
    cursor.comes_to(after(0))
    assert days_old(cursor, 10) == 10
    cursor.files, cursor.oldest_at = 1, cursor.oldest_at
    cursor.comes_to(after(9))
    assert days_old(cursor, 11) == 2
    cursor.finish(after(11))
    assert days_old(cursor, 12) == 2
    cursor.begin(after(40))
    cursor.comes_to(after(0))
    assert days_old(cursor, 40) == 30
    cursor.comes_to(after(39))
    assert days_old(cursor, 40) == 1


def test_a_clock_that_goes_back_makes_nothing_younger_than_new() -> None:
    cursor = Cursor()
    cursor.begin(after(10))
    cursor.comes_to(after(5))
    assert days_old(cursor, 0) == 0
