"""The index follows the files, whatever happens to the database."""

import asyncio
import dataclasses
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from element_core import Core, open_core
from gate import Gate, open_gate
from rebuilt_index import replace
from running_element import Element, ElementAt, SettingsAt, code

from artstore_kit.contracts.files import ChangePage, FileAttributes
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.admin import AdminStandIn
from storage_element.adapters.index import Entry, Index
from storage_element.adapters.local.files import LocalFiles
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import Fenced
from storage_element.services import indexing


async def execute(database: Database, *statements: str) -> None:
    async with database.transaction() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


async def rebuilt(element: Element, generation: str, lsn: int) -> ChangePage:
    """The feed under another generation than `generation`."""
    async with asyncio.timeout(10):
        while (page := await element.feed_up_to(lsn)).generation == generation:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return page


def seen(page: ChangePage) -> dict[UUID, FileAttributes | None]:
    return {change.file_id: change.attributes for change in page.items}


async def test_the_feed_shows_each_file_once_in_lsn_order(element: Element) -> None:
    await element.feed_up_to(0)  # an index that is built later shows no tombstones
    first, gone, last = [await element.put(b"%d" % number) for number in range(3)]
    await element.patch(first.file_id, tags=["x"])
    await element.remove(gone.file_id)
    page = await element.feed_up_to(5)
    assert [(change.lsn, change.file_id) for change in page.items] == [
        (3, last.file_id),
        (4, first.file_id),
        (5, gone.file_id),
    ]
    assert page.items[2].attributes is None
    assert seen(page)[first.file_id] == await element.attributes(first.file_id)
    assert (await element.changes(after=3, limit=1)).next_after == 4
    assert (await element.changes(after=5)).items == []


async def test_a_busy_index_takes_what_has_come_meanwhile_in_one_step(
    element: Element, monkeypatch: pytest.MonkeyPatch
) -> None:
    await element.feed_up_to(0)
    monkeypatch.setattr(indexing, "GATHER_S", 1.0)
    monkeypatch.setattr(indexing, "BUSY_ENTRIES", 1)
    steps: list[int] = []
    apply = Index.apply

    async def counted(index: Index, entries: Sequence[Entry]) -> None:
        steps.append(len(entries))
        await apply(index, entries)

    monkeypatch.setattr(Index, "apply", counted)
    await element.put()
    await element.feed_up_to(1)
    for _ in range(4):
        await element.put()
    await element.feed_up_to(5)
    assert steps == [1, 4]


async def test_single_files_are_shown_at_once(element: Element, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "GATHER_S", 60)
    for lsn in (1, 2, 3):
        await element.put()
        await element.feed_up_to(lsn)


async def test_a_restart_keeps_the_generation(element_at: ElementAt, root: Path) -> None:
    async with element_at(root) as element:
        file = await element.put()
        before = await element.feed_up_to(1)
    async with element_at(root) as element:
        assert (await element.feed_up_to(1)).generation == before.generation
        assert seen(await element.changes()) == {file.file_id: file}


async def test_after_a_crash_the_replayed_records_are_applied(
    element_at: ElementAt, root: Path, database: Database
) -> None:
    """The journal still has what the index lacks: no rebuild is needed."""
    async with element_at(root) as element:
        await element.put()
        page = await element.feed_up_to(1)
        snapshot = root.with_name("snapshot")
        await element.put()
        await asyncio.to_thread(shutil.copytree, root, snapshot)
        await element.feed_up_to(2)
    await execute(database, "DELETE FROM files WHERE lsn = 2", "UPDATE index_state SET applied_lsn = 1")
    async with element_at(snapshot) as again:
        after = await again.feed_up_to(2)
        assert (after.generation, len(after.items)) == (page.generation, 2)


async def test_an_index_that_is_behind_the_checkpoint_is_rebuilt(
    element_at: ElementAt, root: Path, database: Database
) -> None:
    async with element_at(root) as element:
        files = {file.file_id: file for file in [await element.put() for _ in range(3)]}
        before = await element.feed_up_to(3)
    await execute(database, "DELETE FROM files WHERE lsn > 1", "UPDATE index_state SET applied_lsn = 1")
    async with element_at(root) as element:
        assert seen(await rebuilt(element, before.generation, 3)) == files


async def test_an_index_of_another_past_is_rebuilt(element_at: ElementAt, root: Path, database: Database) -> None:
    """The database knows more than the element: one of the two was restored."""
    await execute(
        database, "INSERT INTO index_state (element_id, applied_lsn, generation) VALUES ('edit-1', 99, 'old')"
    )
    async with element_at(root) as element:
        file = await element.put()
        assert seen(await rebuilt(element, "old", 1)) == {file.file_id: file}


async def test_the_database_of_another_element_is_left_alone(
    element_at: ElementAt, root: Path, database: Database
) -> None:
    """Files are stored and read by their ids meanwhile; who looks at the element is told what to do."""
    await replace(Index(database, "rw-1"), [], 99, "theirs")
    async with element_at(root) as element:
        file = await element.put(b"content")
        assert (await element.content(file.file_id)).content == b"content"
        ready = await element.http.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["postgres"]["health"]) == (200, "degraded")
        assert "index of the element rw-1; give edit-1 its own" in ready.json()["checks"]["postgres"]["detail"]
        assert code(await element.http.get("/api/v1/changes")) == (503, "index_unavailable")
        assert code(await element.http.get("/api/v1/files")) == (503, "index_unavailable")
    assert await Index(database, "rw-1").applied_lsn() == 99


@pytest.mark.parametrize("emptied", ["DELETE FROM index_state", "TRUNCATE files, index_state"])
async def test_an_index_that_is_emptied_is_rebuilt_with_the_next_file(
    element: Element, database: Database, emptied: str
) -> None:
    file = await element.put()
    before = await element.feed_up_to(1)
    await execute(database, emptied)
    assert code(await element.http.get("/api/v1/changes")) == (503, "index_unavailable")
    assert code(await element.http.get("/api/v1/files")) == (503, "index_unavailable")
    assert (await element.attributes(file.file_id)) == file
    other = await element.put()
    assert seen(await rebuilt(element, before.generation, 2)) == {file.file_id: file, other.file_id: other}


async def test_an_index_that_is_emptied_is_rebuilt_by_an_idle_element(
    element_at: ElementAt, root: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "LOOK_EVERY_S", 0.05)
    async with element_at(root) as element:
        file = await element.put()
        before = await element.feed_up_to(1)
        await execute(database, "TRUNCATE files, index_state")
        assert seen(await rebuilt(element, before.generation, 1)) == {file.file_id: file}


async def test_an_index_that_was_restored_from_a_backup_is_rebuilt(element: Element, database: Database) -> None:
    first = await element.put()
    before = await element.feed_up_to(1)
    await execute(database, "CREATE TABLE backup AS SELECT * FROM files")
    second = await element.put()
    await element.remove(first.file_id)
    await element.feed_up_to(3)
    await execute(
        database,
        "DELETE FROM files",
        "INSERT INTO files SELECT * FROM backup",
        "UPDATE index_state SET applied_lsn = 1",
        "DROP TABLE backup",
    )
    third = await element.put()
    assert seen(await rebuilt(element, before.generation, 4)) == {second.file_id: second, third.file_id: third}


async def test_a_damaged_file_does_not_keep_the_others_out(
    element_at: ElementAt, root: Path, database: Database
) -> None:
    async with element_at(root) as element:
        damaged, whole = await element.put(), await element.put()
        before = await element.feed_up_to(2)
    element.attributes_path(damaged).write_bytes(b"{")
    await execute(database, "DELETE FROM index_state")
    async with element_at(root) as element:
        assert seen(await rebuilt(element, before.generation, 2)) == {whole.file_id: whole}
        for path in ("", "/content"):
            answer = await element.http.get(f"/api/v1/files/{damaged.file_id}{path}")
            assert code(answer) == (502, "content_corrupt")


@dataclass
class Held:
    """A rebuild that reads half of the files before and half after `goes_on`, and what is applied behind it."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    apply: asyncio.Event = field(default_factory=asyncio.Event)

    def hold(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on."""
        loop = asyncio.get_running_loop()
        all_attributes, apply = LocalFiles.all_attributes, Index.apply

        def read(files: LocalFiles) -> Iterator[tuple[str, bytes]]:
            early = dict(all_attributes(files))
            loop.call_soon_threadsafe(self.begun.set)
            asyncio.run_coroutine_threadsafe(self.goes_on.wait(), loop).result(5)
            late = dict(all_attributes(files))
            yield from [(path, (early, late)[at % 2].get(path, early[path])) for at, path in enumerate(sorted(early))]

        async def apply_later(index: Index, entries: Sequence[Entry]) -> None:
            if self.begun.is_set():
                await self.apply.wait()
            await apply(index, entries)

        monkeypatch.setattr(LocalFiles, "all_attributes", read)
        monkeypatch.setattr(Index, "apply", apply_later)


async def test_a_reader_of_the_feed_misses_nothing_during_a_rebuild(
    element: Element, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files change while they are read for the rebuild; whoever follows the feed ends up with what is there."""
    files = [await element.put() for _ in range(6)]
    await element.feed_up_to(6)
    await execute(database, "DELETE FROM index_state")
    held = Held()
    held.hold(monkeypatch)
    await element.patch(files[0].file_id, tags=["finds that the index is gone"])
    await held.begun.wait()
    for file in files[:4]:
        await element.patch(file.file_id, tags=["changed during the rebuild"])
    await element.remove(files[4].file_id)
    held.goes_on.set()
    reader = Reader()
    await reader.follow(element, up_to=6)
    held.apply.set()
    await reader.follow(element, up_to=12)
    left = [file.file_id for file in files if file is not files[4]]
    assert reader.files == {file_id: await element.attributes(file_id) for file_id in left}


class Reader:
    """Keeps what the feed told, with a cursor, as the query module does."""

    def __init__(self) -> None:
        self.files: dict[UUID, FileAttributes] = {}
        self.after = 0
        self.generation = ""

    async def follow(self, element: Element, up_to: int) -> None:
        """Read all that is shown, until it has come to `up_to`."""
        async with asyncio.timeout(10):
            while self.after < up_to:
                answer = await element.http.get(f"/api/v1/changes?after={self.after}&wait_s=0.05")
                if answer.status_code == 200:
                    self._take(ChangePage.model_validate_json(answer.content))

    def _take(self, page: ChangePage) -> None:
        if page.generation != self.generation:
            self.generation, self.after, self.files = page.generation, 0, {}
            return
        for change in page.items:
            if change.attributes is None:
                self.files.pop(change.file_id, None)
            else:
                self.files[change.file_id] = change.attributes
        self.after = page.next_after


@pytest.fixture
async def gate(migrated_postgres: PostgresSettings) -> AsyncIterator[Gate]:
    async with open_gate(migrated_postgres) as gate:
        yield gate


@pytest.fixture
def behind_gate(gate: Gate, admin: AdminStandIn, bearer: dict[str, str], postgres: PostgresSettings) -> ElementAt:
    """Runs an element whose database can be taken away."""
    return partial(SettingsAt(admin, gate.settings).running, headers=bearer)


async def test_uploads_go_on_without_the_database_and_the_index_catches_up(
    behind_gate: ElementAt, gate: Gate, root: Path
) -> None:
    async with behind_gate(root) as element:
        first = await element.put()
        before = await element.feed_up_to(1)
        await gate.close()
        files = [first, *[await element.put(b"%d" % number) for number in range(20)]]
        assert (await element.content(files[3].file_id)).content == b"2"
        assert code(await element.http.get("/api/v1/changes")) == (503, "database_unavailable")
        assert code(await element.http.get("/api/v1/files")) == (503, "database_unavailable")
        ready = await element.http.get("/health/ready")
        assert (ready.status_code, ready.json()["health"]) == (200, "degraded")
        assert (await element.http.get("/api/v1/element")).status_code == 200
        await gate.open()
        page = await element.feed_up_to(21)
        assert page.generation == before.generation
        assert seen(page) == {file.file_id: file for file in files}


async def test_an_element_starts_without_the_database(behind_gate: ElementAt, gate: Gate, root: Path) -> None:
    await gate.close()
    async with behind_gate(root) as element:
        file = await element.put()
        await gate.open()
        assert seen(await element.feed_up_to(1)) == {file.file_id: file}


async def test_an_index_that_was_away_for_too_long_is_rebuilt(
    behind_gate: ElementAt, gate: Gate, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: beyond `MOST_PENDING` records nothing is kept, and the files are read instead."""
    monkeypatch.setattr(indexing, "MOST_PENDING", 5)
    async with behind_gate(root) as element:
        files = [await element.put()]
        before = await element.feed_up_to(1)
        await gate.close()
        files += [await element.put(b"%d" % number) for number in range(12)]
        await gate.open()
        page = await rebuilt(element, before.generation, 13)
        assert seen(page) == {file.file_id: file for file in files}


def indexer_of(core: Core, database: Database) -> indexing.Indexer:
    """As a master has it."""
    index, files = Index(database, "edit-1", core.journal.epoch), core.storage.files
    return indexing.Indexer(index, files, core.replayed, core.journal.durable_lsn, core.storage.superblocks.confirm)


async def rows(database: Database) -> list[tuple[object, ...]]:
    """All that the index says, and of which epoch."""
    async with database.connect() as connection:
        found = await connection.execute(
            sa.text(
                "SELECT lsn, file_id, attributes, applied_lsn, epoch, generation FROM files, index_state ORDER BY lsn"
            )
        )
        return [tuple(row) for row in found]


@pytest.mark.parametrize("rebuilds", [False, True])
async def test_the_indexer_of_a_stale_master_is_fenced_and_writes_nothing(
    database: Database, root: Path, monkeypatch: pytest.MonkeyPatch, rebuilds: bool
) -> None:
    """What it would add continues what the new master has written."""
    monkeypatch.setattr(indexing, "LOOK_EVERY_S", 0.01)
    async with open_core(root) as old:
        await old.create(b"first")
        stale = indexer_of(old, database)
        await stale.round()
        async with open_core(root) as new:
            await new.create(b"second")
            its = indexer_of(new, database)
            its.add(new.committed)
            await its.round()
            before = await rows(database)
            assert [(row[0], row[4]) for row in before] == [(1, 2), (2, 2)]
            stale.add([record_of(Kind.CHANGE, old.committed[0], lsn=3)])
            if rebuilds:
                stale.ask_rebuild()
            for _ in range(2):
                with pytest.raises(Fenced):
                    await stale.round()
            assert await rows(database) == before
            await new.create(b"third")
            its.add(new.committed[-1:])
            await its.round()
            assert [row[0] for row in await rows(database)] == [1, 2, 3]


async def test_an_element_that_was_restored_makes_an_index_of_a_later_epoch_anew(
    database: Database, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has taken it over: the element judges, and not what is left of its future."""
    monkeypatch.setattr(indexing, "LOOK_EVERY_S", 0.01)
    async with open_core(root) as core:
        file = await core.create(b"restored")
        indexer = indexer_of(core, database)
        await indexer.round()
        await execute(database, "UPDATE index_state SET epoch = 9, applied_lsn = 70", "UPDATE files SET lsn = 70")
        for _ in range(3):
            await indexer.round()
        assert [(row[0], row[1], row[4]) for row in await rows(database)] == [(1, file.file_id, 1)]


def record_of(kind: Kind, record: Record, lsn: int) -> Record:
    """Another one of the same file."""
    return dataclasses.replace(record, kind=kind, lsn=lsn)
