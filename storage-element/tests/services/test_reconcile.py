"""Reconciling: attributes, content and index against each other; what is wrong is contained."""

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from running_element import Element, ElementAt, code

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.patience import eventually
from storage_element.adapters.index import Entry
from storage_element.config import ReconcileSettings
from storage_element.domain import layout

QUIET = ReconcileSettings(enabled=False, files_per_s=100_000)
LARGE = os.urandom(200_000)


@pytest.fixture
async def element(element_at: ElementAt, root: Path) -> AsyncIterator[Element]:
    async with element_at(root, reconcile=QUIET) as element:
        yield element


async def status(element: Element) -> dict[str, Any]:
    told: dict[str, Any] = (await element.http.get("/api/v1/element/reconcile")).json()
    return told


async def ended(element: Element, before: object) -> dict[str, Any]:
    """The report of the next comparison that ends."""

    async def is_there() -> bool:
        now = await status(element)
        return now["current"] is None and now["last"] is not None and now["last"]["finished_at"] != before

    await eventually(is_there, within_s=20)
    last: dict[str, Any] = (await status(element))["last"]
    return last


async def reconciled(element: Element) -> dict[str, Any]:
    before = (await status(element))["last"]
    assert (await element.http.post("/api/v1/element/reconcile/start")).status_code == 202
    return await ended(element, before and before["finished_at"])


def found(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Kind and what was done, by the name of what was found."""
    return {Path(each["path"]).name: (each["kind"], each["done"]) for each in report["findings"]}


def quarantined(element: Element) -> list[str]:
    names = (each.name for each in (element.root / layout.QUARANTINE).iterdir())
    return sorted(name for name in names if not name.endswith(layout.REASON_SUFFIX))


def reasons(element: Element) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in (element.root / layout.QUARANTINE).glob("*.reason.json")]


async def indexed(element: Element, file: FileAttributes) -> FileAttributes:
    """The index shows this revision."""
    await element.feed_up_to(file.element.lsn)
    return file


async def change_index(element: Element, statement: str, **values: object) -> None:
    async with element.services.feed._index._database.transaction() as connection:
        import sqlalchemy as sa  # noqa: PLC0415

        await connection.execute(sa.text(statement), values)


async def rows(element: Element) -> dict[UUID, Entry]:
    index = element.services.feed._index
    return {each.file_id: each for each in await index.between(UUID(int=0), UUID(int=2**128 - 1), 1000)}


# --- no false alarm


async def test_a_sound_element_is_left_as_it_is(element: Element) -> None:
    await indexed(element, await element.put())
    for content in (b"", LARGE):
        file = await element.put(content)
    assert (await element.patch(file.file_id, tags=["x"])).status_code == 200
    gone = await element.put(b"removed")
    await element.remove(gone.file_id)
    await element.feed_up_to(5)
    report = await reconciled(element)
    assert (report["documents"], report["findings"], report["index_compared"]) == (3, [], True)
    assert quarantined(element) == []


async def test_what_is_under_way_is_no_alarm(element: Element) -> None:
    """Uploads, changes, replacements and removals go on all the time."""
    stop = asyncio.Event()

    async def busy(number: int) -> int:
        count = 0
        while not stop.is_set():
            file = await element.put(f"{number} {count}".encode() * 10, None)
            await element.patch(file.file_id, tags=["x"])
            if count % 2:
                await element.remove(file.file_id)
            count += 1
        return count

    senders = [asyncio.create_task(busy(number)) for number in range(4)]
    try:
        reports = [await reconciled(element) for _ in range(5)]
    finally:
        stop.set()
        counts = await asyncio.gather(*senders)
    assert min(counts) > 3
    assert [report["findings"] for report in reports] == [[]] * 5
    assert quarantined(element) == []


async def test_foreign_files_are_told_and_left_alone(element: Element) -> None:
    file = await element.put()
    directory = element.content_path(file).parent
    for name in ("Thumbs.db", "notes.txt", f"{UUID(int=7)}.v1"):
        (directory / name).write_text("somebody else's")
    report = await reconciled(element)
    assert set(found(report).values()) == {("foreign", "told")}
    assert len(report["findings"]) == 3
    assert (directory / "Thumbs.db").read_text() == "somebody else's"


async def test_no_clock_is_asked(element: Element) -> None:
    """A file of tomorrow is judged as one of yesterday is."""
    file = await element.put(b"content", new_file_id(4_000_000_000_000))
    for path in (element.content_path(file), element.attributes_path(file)):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    assert (await reconciled(element))["findings"] == []


# --- files


async def test_content_that_no_attributes_speak_of_is_moved_aside(element: Element) -> None:
    file = await element.put()
    directory = element.content_path(file).parent
    orphan = new_file_id(int(file.file_id.int >> 80))
    (directory / f"{orphan}.v1").write_bytes(b"never acknowledged")
    (directory / f"{file.file_id}.v2").write_bytes(b"nor this")
    report = await reconciled(element)
    assert found(report) == {
        f"{orphan}.v1": ("unclaimed_content", "quarantined"),
        f"{file.file_id}.v2": ("unclaimed_content", "quarantined"),
    }
    assert quarantined(element) == sorted([f"{orphan}.v1.1", f"{file.file_id}.v2.1"])
    assert (await element.content(file.file_id)).content == b"content"
    assert (await reconciled(element))["findings"] == []


async def test_half_names_and_misplaced_ones_are_moved_aside(element: Element) -> None:
    file = await element.put()
    (element.content_path(file).parent / f"{file.file_id}.v1.part").write_bytes(b"half")
    elsewhere = element.root / layout.FILES / "2020/01/01/00/00"
    elsewhere.mkdir(parents=True)
    for path in (element.attributes_path(file), element.content_path(file)):
        (elsewhere / path.name).write_bytes(path.read_bytes())
    report = await reconciled(element)
    assert found(report) == {
        f"{file.file_id}.v1.part": ("half_name", "quarantined"),
        f"{file.file_id}.v1": ("misplaced", "quarantined"),
        f"{file.file_id}.attr.json": ("misplaced", "quarantined"),
    }
    assert (await element.content(file.file_id)).content == b"content"
    assert {each["path"] for each in reasons(element)} == {each["path"] for each in report["findings"]}


@pytest.mark.parametrize("damaged", [b"", b'{"half', b"\xff"])
async def test_attributes_that_cannot_be_read_are_marked_and_stay(element: Element, damaged: bytes) -> None:
    """Moved away, their id would look free."""
    file = await indexed(element, await element.put())
    element.attributes_path(file).write_bytes(damaged)
    element.services.reader.forget(file.file_id)
    for _ in range(2):
        report = await reconciled(element)
        assert found(report) == {f"{file.file_id}.attr.json": ("attributes_unreadable", "marked")}
    assert (len(reasons(element)), quarantined(element)) == (1, [])
    assert element.content_path(file).exists()
    assert code(await element.http.get(f"/api/v1/files/{file.file_id}")) == (502, "content_corrupt")
    assert code(await element.send(b"another", file.file_id)) == (502, "content_corrupt")
    assert (await element.http.get("/api/v1/element")).json()["corrupt_contents"] == 1
    element.attributes_path(file).write_bytes(file.to_json())
    assert (await reconciled(element))["findings"] == []
    assert (await element.http.get("/api/v1/element")).json()["corrupt_contents"] == 0


async def test_attributes_of_another_file_are_marked_once_and_never_served(element: Element) -> None:
    file, other = await element.put(b"a"), await indexed(element, await element.put(b"b"))
    element.attributes_path(file).write_bytes(other.to_json())
    element.services.reader.forget(file.file_id)
    for _ in range(2):
        assert found(await reconciled(element)) == {f"{file.file_id}.attr.json": ("misplaced", "marked")}
    assert len(reasons(element)) == 1
    assert code(await element.content(file.file_id)) == (502, "content_corrupt")
    assert (await element.content(other.file_id)).content == b"b"


@pytest.mark.parametrize(
    ("damage", "kind", "done"), [(b"", "content_corrupt", "quarantined"), (None, "content_missing", "marked")]
)
async def test_content_of_another_size_is_contained(
    element: Element, damage: bytes | None, kind: str, done: str
) -> None:
    file = await element.put()
    path = element.content_path(file)
    path.unlink() if damage is None else path.write_bytes(damage)
    assert found(await reconciled(element)) == {path.name: (kind, done)}
    assert code(await element.content(file.file_id)) == (410, "content_corrupt")
    assert (await reconciled(element))["findings"] == []


async def test_replaced_content_that_was_left_over_goes(element_at: ElementAt, root: Path) -> None:
    """A restart forgets what was to be removed."""
    async with element_at(root, reconcile=QUIET) as element:
        file = await element.put(b"first")
        (element.content_path(file).parent / f"{file.file_id}.v2").write_bytes(b"second")
    path = element.attributes_path(file)
    document = json.loads(path.read_bytes())
    document["content"] |= {"version": 2, "size": 6, "stored_size": 6}
    path.write_text(json.dumps(document, separators=(",", ":")))
    async with element_at(root, reconcile=QUIET) as element:
        element.services.care.reconciler._comparer._superseded._grace_s = 0
        report = await reconciled(element)
        assert report["superseded"] == 1
        assert "unclaimed_content" not in report["counts"]
        await element.services.checkpoint.run()
        assert not (path.parent / f"{file.file_id}.v1").exists()
        assert (path.parent / f"{file.file_id}.v2").exists()


async def test_a_directory_that_cannot_be_read_hides_nothing(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are no ghosts."""
    first = await element.put(b"a", new_file_id(1_600_000_000_000))
    await indexed(element, await element.put(b"b", new_file_id(1_700_000_000_000)))
    scandir, closed = os.scandir, element.content_path(first).parent

    def fails(path: Path) -> Any:
        if Path(path) == closed:
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", fails)
        report = await reconciled(element)
    assert report["counts"] == {"directory_unreadable": 1}
    assert first.file_id in await rows(element)


async def test_so_much_that_is_wrong_stops_it(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage_element.services.compare.MOST_WRONG", 3)
    file = await element.put()
    for _ in range(6):
        (element.content_path(file).parent / f"{new_file_id(int(file.file_id.int >> 80))}.v1").write_bytes(b"x")
    report = await reconciled(element)
    assert report["stopped_because"].startswith("3 contents")
    assert ((await status(element))["state"], len(quarantined(element))) == ("stopped", 3)


# --- index


async def test_missing_and_stale_rows_are_put_right(element: Element) -> None:
    missing, stale, other = [await element.put(content) for content in (b"a", b"b", b"c")]
    await indexed(element, other)
    generation = (await element.changes()).generation
    await change_index(element, "DELETE FROM files WHERE file_id = :id", id=missing.file_id)
    await change_index(element, "UPDATE files SET attributes = '{}' WHERE file_id = :id", id=stale.file_id)
    report = await reconciled(element)
    assert found(report) == {
        f"{missing.file_id}.attr.json": ("row_missing", "reindexed"),
        f"{stale.file_id}.attr.json": ("row_stale", "reindexed"),
    }

    async def put_right() -> bool:
        shown = await rows(element)
        return {each.attributes for each in shown.values()} == {f.to_json().decode() for f in (missing, stale, other)}

    await eventually(put_right)
    assert (await element.changes()).generation != generation
    assert (await reconciled(element))["findings"] == []


async def test_a_ghost_is_written_down_before_the_index_forgets_it(element: Element) -> None:
    """The row may be the last that is left of a file."""
    kept, ghost, behind = (
        await element.put(b"a"),
        await element.put(b"b", new_file_id(1_600_000_000_000)),
        await element.put(b"c", new_file_id(5_000_000_000_000)),
    )
    await indexed(element, behind)
    for file in (ghost, behind):
        element.attributes_path(file).unlink()
        element.content_path(file).rename(element.root / f"kept-{file.file_id}")
    report = await reconciled(element)
    assert report["counts"] == {"row_ghost": 2}
    written = {each["file_id"]: each["attributes"] for each in reasons(element)}
    assert written == {str(file.file_id): file.to_json().decode() for file in (ghost, behind)}

    async def forgotten() -> bool:
        return set(await rows(element)) == {kept.file_id}

    await eventually(forgotten)


async def test_old_attributes_that_were_put_back_are_found(element: Element) -> None:
    """A hold may be among what is lost: the file takes no change until the newer ones are back."""
    old = await element.put()
    newer = FileAttributes.model_validate_json((await element.patch(old.file_id, tags=["x"])).content)
    await indexed(element, newer)
    element.attributes_path(old).write_bytes(old.to_json())
    element.services.reader.forget(old.file_id)
    report = await reconciled(element)
    assert found(report) == {f"{old.file_id}.attr.json": ("attributes_rolled_back", "marked")}
    [reason] = reasons(element)
    assert reason["attributes"] == newer.to_json().decode()
    assert code(await element.remove(old.file_id)) == (502, "content_corrupt")
    assert code(await element.patch(old.file_id, tags=[])) == (502, "content_corrupt")
    assert (await element.content(old.file_id)).status_code == 200
    element.attributes_path(old).write_bytes(reason["attributes"].encode())
    element.services.reader.forget(old.file_id)
    assert (await reconciled(element))["findings"] == []
    assert (await element.remove(old.file_id)).status_code == 204


async def test_a_removed_file_that_came_back_is_found(element: Element) -> None:
    file = await indexed(element, await element.put())
    path = element.attributes_path(file)
    attributes = path.read_bytes()
    await element.remove(file.file_id)
    await element.feed_up_to(2)
    path.write_bytes(attributes)
    element.content_path(file).write_bytes(b"content")
    assert found(await reconciled(element)) == {path.name: ("attributes_rolled_back", "marked")}


async def test_without_an_index_the_files_are_compared_all_the_same(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await element.put()
    await change_index(element, "DELETE FROM index_state")
    element.content_path(file).write_bytes(b"")
    report = await reconciled(element)
    assert report["index_compared"] is False
    assert list(report["counts"]) == ["content_corrupt"]


async def test_an_index_that_lags_shows_no_ghosts(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal that the index does not show yet is waited for, and then left for the next time."""
    file = await indexed(element, await element.put())
    monkeypatch.setattr("storage_element.services.compare_index.FOLLOWS_WITHIN_S", 0.1)
    with monkeypatch.context() as patched:

        async def away(*_: object) -> None:
            await asyncio.sleep(3600)

        patched.setattr(element.services.indexer, "_apply", away)
        await element.put(b"wakes the indexer")
        assert (await element.remove(file.file_id)).status_code == 204
        report = await reconciled(element)
    assert (report["findings"], report["busy"]) == ([], 1)


# --- when, and what is told


async def test_it_is_done_at_start_and_its_report_is_kept(element_at: ElementAt, root: Path) -> None:
    async with element_at(root, reconcile=QUIET) as element:
        file = await element.put()
        element.content_path(file).write_bytes(b"")
    async with element_at(root, reconcile=ReconcileSettings(files_per_s=100_000)) as element:
        report = await ended(element, None)
        assert report["counts"] == {"content_corrupt": 1}
        assert (await status(element))["state"] == "idle"
    async with element_at(root, reconcile=QUIET) as element:

        async def known() -> bool:
            return (await status(element))["last"] is not None

        await eventually(known)
        assert (await status(element))["last"] == report


async def test_it_is_paused_goes_on_and_keeps_its_pace(element_at: ElementAt, root: Path) -> None:
    async with element_at(root, reconcile=ReconcileSettings(enabled=False, files_per_s=20)) as element:
        for _ in range(8):
            await element.put()
        began = asyncio.get_running_loop().time()
        await element.http.post("/api/v1/element/reconcile/start")

        async def begun() -> bool:
            current = (await status(element))["current"]
            return bool(current and current["documents"])

        await eventually(begun)
        await element.http.post("/api/v1/element/reconcile/pause")
        assert (await status(element))["state"] == "paused"
        await asyncio.sleep(0.2)
        before = (await status(element))["current"]["documents"]
        await asyncio.sleep(0.2)
        assert (await status(element))["current"]["documents"] == before < 8
        await element.http.post("/api/v1/element/reconcile/resume")
        assert (await ended(element, None))["documents"] == 8
        assert asyncio.get_running_loop().time() - began >= 0.55


async def test_orders_need_a_right(element: Element) -> None:
    answer = await element.http.post("/api/v1/element/reconcile/start", headers={"Authorization": ""})
    assert code(answer) == (401, "not_authenticated")
