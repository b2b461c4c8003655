"""A full disk, for real: 507, nothing left behind, reads go on, and there is a way back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from running_element import MIB, Element, ElementAt, code

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.disks import fill as fill_disk
from artstore_kit.testing.disks import mounted
from artstore_kit.testing.patience import eventually


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """12 MiB; needs root."""
    with mounted(tmp_path / "disk", "size=12m") as disk:
        yield disk


async def fill(element: Element, size: int) -> list[FileAttributes]:
    """Upload until there is no more room."""
    stored = []
    async with asyncio.timeout(20):
        while (answer := await element.send(bytes(size))).status_code == 201:
            stored.append(FileAttributes.model_validate_json(answer.content))
    assert code(answer) == (507, "storage_full")
    return stored


@pytest.mark.parametrize("size", [60_000, 700_000])
async def test_a_full_element_refuses_reads_and_recovers(element_at: ElementAt, disk: Path, size: int) -> None:
    async with element_at(disk / "element", reserve_bytes=3 * MIB) as element:
        stored = await fill(element, size)
        assert len(stored) > 5
        assert element.staged() == []
        for file in stored:
            assert (await element.content(file.file_id)).content == bytes(size)
        state = (await element.http.get("/api/v1/element")).json()
        assert state["capacity"]["free_bytes"] > MIB
        assert (await element.patch(stored[0].file_id, tags=["x"])).status_code == 200
        for file in stored[: len(stored) // 2]:
            assert (await element.remove(file.file_id)).status_code == 204
        assert (await element.send(bytes(size))).status_code == 201
    async with element_at(disk / "element", reserve_bytes=3 * MIB) as element:
        assert (await element.content(stored[-1].file_id)).content == bytes(size)


async def test_room_that_goes_while_a_body_comes(element_at: ElementAt, disk: Path) -> None:
    """Somebody else fills the disk after the upload was let in."""

    async def body() -> AsyncIterator[bytes]:
        yield bytes(2 * MIB)
        free = element.services.reader._files.room().free_bytes
        (disk / "filler").write_bytes(bytes(free - 100_000))
        yield bytes(2 * MIB)

    async with element_at(disk / "element") as element:
        file = await element.put(b"small")
        file_id = new_file_id()
        assert code(await element.send(body(), file_id, 4 * MIB)) == (507, "storage_full")
        assert element.staged() == []
        assert (await element.content(file.file_id)).content == b"small"
        assert code(await element.http.get(f"/api/v1/files/{file_id}")) == (404, "file_unknown")
        (disk / "filler").unlink()
        assert (await element.send(bytes(4 * MIB), file_id)).status_code == 201


async def test_a_body_of_unknown_size_is_refused_where_the_reserve_begins(
    element_at: ElementAt, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage_element.services.measure.STEP_BYTES", MIB)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65_536)

    async with element_at(disk / "element", reserve_bytes=2 * MIB) as element:
        assert code(await element.send(endless())) == (507, "storage_full")
        assert element.staged() == []
        assert element.services.reader._files.room().free_bytes > 8 * MIB


async def test_a_disk_without_inodes_is_full(element_at: ElementAt, tmp_path: Path) -> None:
    """Small files use up names before bytes; what is committed must still find one."""
    with mounted(tmp_path / "disk", "size=64m,nr_inodes=10100") as disk:
        async with element_at(disk / "element") as element:
            stored = await fill(element, 10)
            assert 10 < len(stored) < 60
            state = (await element.http.get("/api/v1/element")).json()
            assert (state["writable"], state["state"], state["capacity"]["fullness"]) == (False, "storage_full", "full")
            assert (await element.content(stored[-1].file_id)).content == bytes(10)
        async with element_at(disk / "element") as element:
            assert (await element.remove(stored[0].file_id)).status_code == 204


async def test_a_checkpoint_waits_for_room(element_at: ElementAt, disk: Path) -> None:
    """Without room for another segment the journal stays, and nothing is at fault."""
    async with element_at(disk / "element", checkpoint_interval_s=0.01) as element:
        file = await element.put(b"small")
        (disk / "filler").write_bytes(bytes(element.services.reader._files.room().free_bytes))
        answer = await element.patch(file.file_id, tags=["x"])
        assert answer.status_code in {200, 503}
        await asyncio.sleep(0.3)
        (disk / "filler").unlink()
        if answer.status_code == 200:
            assert (await element.send(b"after")).status_code == 201


async def test_a_full_disk_under_the_audit_spool_loses_nothing(
    element_at: ElementAt, root: Path, tmp_path: Path, admin: AdminStandIn
) -> None:
    """Reads and changes go on; changes are told out of the journal when there is room again, reads as a gap."""
    with mounted(tmp_path / "disk", "size=256k") as disk:
        async with element_at(root, spool_dir=disk / "spool") as element:
            filler = fill_disk(disk)
            stored = [(await element.put()).file_id for _ in range(30)]
            for file_id in stored * 2:
                assert (await element.content(file_id)).status_code == 200
            health = (await element.http.get("/health/ready")).json()["checks"]["storage"]
            assert "the journal is kept" in health["detail"]
            filler.unlink()
            await element.services.checkpoint.run()
            await eventually(all_told(admin, set(map(str, stored)), reads=60))


def all_told(admin: AdminStandIn, stored: set[str], reads: int) -> Callable[[], Awaitable[bool]]:
    """Each change by its entry, each read by its own or by the number of a gap."""

    async def told() -> bool:
        entries = list(admin.audit.values())
        created = [each.resource.removeprefix("file:") for each in entries if each.action == "file.create"]
        not_kept = sum(int(str(each.detail["not_kept"])) for each in entries if each.action == "audit.gap")
        read = sum(each.action == "file.read" for each in entries)
        return sorted(created) == sorted(stored) and 0 < not_kept == reads - read

    return told
