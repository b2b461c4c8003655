"""Capacity: growth is watched, and a full `rw` element turns `ro` if its policy says so: durably, and in order."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from element_core import until
from running_element import MIB, Element, ElementAt, code
from structlog.testing import capture_logs

from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from storage_element.adapters.local import disk
from storage_element.adapters.local.files import LocalFiles
from storage_element.config import WhenFull
from storage_element.domain import layout
from storage_element.domain.capacity import Room
from storage_element.services.capacity import FULL_LOOKS

TOTAL = 2**40


class Disk:
    """The room that a test gives."""

    def __init__(self) -> None:
        self.free_bytes = TOTAL // 2

    def __call__(self) -> Room:
        return Room(TOTAL, self.free_bytes)


@pytest.fixture
def disk_room(monkeypatch: pytest.MonkeyPatch) -> Disk:
    room = Disk()
    monkeypatch.setattr(LocalFiles, "room", lambda _: room())
    return room


@pytest.fixture
async def archive(element_at: ElementAt, root: Path, disk_room: Disk) -> AsyncIterator[Element]:
    """Of mode rw, with the policy to turn ro."""
    async with element_at(root, mode=Mode.RW, reserve_bytes=100 * MIB, when_full=WhenFull.RO) as element:
        yield element


async def looked_at(element: Element, times: int = FULL_LOOKS) -> None:
    for _ in range(times):
        await element.services.care.capacity.round()


def written_mode(element: Element) -> str:
    return str(json.loads((element.root / layout.SUPERBLOCK).read_bytes())["mode"])


async def test_a_full_element_turns_ro_for_good(archive: Element, disk_room: Disk, element_at: ElementAt) -> None:
    file = await archive.put()
    disk_room.free_bytes = 50 * MIB
    with capture_logs() as logs:
        await looked_at(archive)
    assert written_mode(archive) == "ro"
    [told] = [each for each in logs if each["event"] == "mode changed"]
    assert (told["before"], told["mode"], told["because"]) == ("rw", "ro", "the element is full")
    report = (await archive.http.get("/api/v1/element")).json()
    assert (report["mode"], report["writable"], report["state"]) == ("ro", False, "storage_full")
    disk_room.free_bytes = TOTAL // 2
    await looked_at(archive, 10)
    assert code(await archive.send()) == (409, "mode_forbids")
    assert code(await archive.patch(file.file_id, tags=["x"])) == (409, "mode_forbids")
    assert (await archive.content(file.file_id)).content == b"content"


async def test_the_turn_survives_a_restart(element_at: ElementAt, root: Path, disk_room: Disk) -> None:
    async with element_at(root, mode=Mode.RW, when_full=WhenFull.RO) as element:
        file = await element.put()
        disk_room.free_bytes = 0
        await looked_at(element)
    disk_room.free_bytes = TOTAL
    async with element_at(root, mode=Mode.RW) as element:
        assert code(await element.send()) == (409, "mode_forbids")
        assert (await element.content(file.file_id)).status_code == 200


@pytest.mark.parametrize(
    ("mode", "policy"), [(Mode.RW, WhenFull.STAY), (Mode.EDIT, WhenFull.RO), (Mode.AR, WhenFull.RO)]
)
async def test_others_stay_as_they_are(
    element_at: ElementAt, root: Path, disk_room: Disk, mode: Mode, policy: WhenFull
) -> None:
    async with element_at(root, mode=mode, when_full=policy) as element:
        disk_room.free_bytes = 0
        await looked_at(element, 5)
        assert written_mode(element) == mode.value


async def test_a_moment_without_room_is_no_reason(
    archive: Element, disk_room: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage_element.services.capacity.FULL_LOOKS", 10)
    for _ in range(5):
        disk_room.free_bytes = 0
        await looked_at(archive, 5)
        disk_room.free_bytes = TOTAL // 2
        await looked_at(archive, 1)
    assert written_mode(archive) == "rw"


async def test_an_upload_under_way_ends_with_a_clear_refusal(archive: Element, disk_room: Disk) -> None:
    """The ingester then chooses another element: nothing of it is left here."""
    turned, begun = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield bytes(MIB)
        begun.set()
        await turned.wait()
        yield bytes(MIB)

    file_id = new_file_id()
    sending = asyncio.create_task(archive.send(body(), file_id, 2 * MIB))
    await begun.wait()
    disk_room.free_bytes = 50 * MIB
    await looked_at(archive)
    disk_room.free_bytes = TOTAL // 2
    turned.set()
    refused = await sending
    assert code(refused) == (409, "mode_forbids")
    assert refused.json()["allowed_modes"] == ["edit", "rw"]
    assert archive.staged() == []
    assert code(await archive.http.get(f"/api/v1/files/{file_id}")) == (404, "file_unknown")


async def test_what_is_being_committed_ends_first(archive: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was let in is acknowledged before the mode turns; what comes meanwhile is refused."""
    place, goes_on = archive.services.committer._files.place, asyncio.Event()

    async def slowly(records: object) -> None:
        await goes_on.wait()
        await place(records)  # type: ignore[arg-type]

    monkeypatch.setattr(archive.services.committer._files, "place", slowly)
    sending = asyncio.create_task(archive.send())
    modes = archive.services.writer._modes
    await until(lambda: modes._under_way > 0)
    turning = asyncio.create_task(modes.turn(Mode.RO, "a test"))
    await asyncio.sleep(0.05)
    assert (turning.done(), written_mode(archive)) == (False, "rw")
    assert code(await archive.send()) == (409, "mode_forbids")
    goes_on.set()
    assert (await sending).status_code == 201
    await turning
    assert written_mode(archive) == "ro"


@pytest.mark.parametrize(("number", "faulty"), [(errno.ENOSPC, False), (errno.EIO, True)])
async def test_a_superblock_that_cannot_be_written_leaves_the_old_mode(
    archive: Element, monkeypatch: pytest.MonkeyPatch, number: int, faulty: bool
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, "not now")

    modes = archive.services.writer._modes
    with monkeypatch.context() as patched:
        patched.setattr(disk, "replace_durably", fails)
        with pytest.raises(Exception, match=r"room|storage"):
            await modes.turn(Mode.RO, "a test")
    assert (written_mode(archive), bool(archive.services.committer.fault)) == ("rw", faulty)
    assert (await archive.send()).status_code == (503 if faulty else 201)


async def test_growth_is_watched_told_and_kept(
    element_at: ElementAt, root: Path, disk_room: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("storage_element.services.capacity.SAVED_EVERY_S", 60)
    async with element_at(root) as element:
        watch = element.services.care.capacity
        watch._clock = lambda: now
        watch._seen, watch._saved_at = None, 0.0
        await watch.round()
        for _ in range(100):
            now += 60
            disk_room.free_bytes -= 60 * MIB
            await watch.round()
        told = (await element.http.get("/api/v1/element")).json()["capacity"]
        assert told["growth_bytes_per_s"] == pytest.approx(MIB, rel=0.05)
        assert told["full_in_s"] == pytest.approx(disk_room.free_bytes / told["growth_bytes_per_s"])
        assert "artstore_element_growth_bytes_per_second" in (await element.http.get("/metrics")).text
    async with element_at(root) as element:
        await element.services.care.capacity.round()
        again = (await element.http.get("/api/v1/element")).json()["capacity"]
        assert again["growth_bytes_per_s"] == pytest.approx(MIB, rel=0.1)
