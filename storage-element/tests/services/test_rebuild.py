"""A rebuilt index is equal to the files, whatever happens meanwhile; and any difference shows in the root."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from element_core import Core, open_core
from rebuilt_index import replace
from running_element import Element

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.testing.documents import document
from storage_element.adapters.index import Entry, Index
from storage_element.adapters.index_rebuild import IndexRebuild
from storage_element.adapters.local.files import LocalFiles
from storage_element.domain import layout
from storage_element.domain.merkle import NOTHING
from storage_element.services import indexing, rebuild
from storage_element.services.rebuild import IndexUnequal, root_of_files, root_of_index


@pytest.fixture
async def core(root: Path) -> AsyncIterator[Core]:
    """An element with a few documents of different minutes."""
    async with open_core(root) as core:
        for number in random.Random(7).sample(range(40), 40):
            file_id = new_file_id(1_700_000_000_000 + number * 20_000)
            await core.create(b"%d" % number, document(file_id=file_id, content=b"%d" % number, name="Договор.txt"))
        yield core


@pytest.fixture
async def index(core: Core, database: Database) -> Index:
    """Built from these."""
    index = Index(database, "edit-1", epoch=1)
    rebuilt = await rebuild.rebuild(index, core.storage.files, core.journal.durable_lsn, list)
    assert (rebuilt.files, rebuilt.applied_lsn) == (40, 40)
    assert (rebuilt.files, rebuilt.root) == await root_of_index(index)
    return index


async def execute(database: Database, statement: str, **values: object) -> None:
    async with database.transaction() as connection:
        assert (await connection.execute(sa.text(statement), values)).rowcount == 1


async def test_the_index_is_equal_to_the_files(core: Core, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    files, before = core.storage.files, await root_of_index(core_index := index)
    assert await root_of_files(files) == before
    monkeypatch.setattr(rebuild, "LOAD_ROWS", 7)
    monkeypatch.setattr("storage_element.adapters.index_rebuild.PAGE_ROWS", 6)
    monkeypatch.setattr("storage_element.adapters.local.threads.READ_AT_ONCE", 3)
    rebuilt = await rebuild.rebuild(core_index, files, 40, list)
    assert (rebuilt.files, rebuilt.root) == before
    assert await root_of_index(index) == before


CHANGED_ROWS = [
    "DELETE FROM files WHERE lsn = 17",
    "UPDATE files SET attributes = NULL WHERE lsn = 17",
    "UPDATE files SET attributes = attributes || ' ' WHERE lsn = 17",
    "UPDATE files SET attributes = replace(attributes, 'Договор', 'договор') WHERE lsn = 17",
    "UPDATE files SET attributes = 'damaged' WHERE lsn = 17",
    "UPDATE files SET file_id = '019b76db-9260-7a68-bc10-99e219db5cc0' WHERE lsn = 17",
    "INSERT INTO files SELECT '019b76db-9260-7a68-bc10-99e219db5cc0', 41, attributes FROM files WHERE lsn = 17",
]


@pytest.mark.parametrize("change", CHANGED_ROWS)
async def test_a_single_changed_row_changes_the_root(core: Core, index: Index, database: Database, change: str) -> None:
    before = await root_of_index(index)
    await execute(database, change)
    assert (await root_of_index(index))[1] != before[1]
    await rebuild.rebuild(index, core.storage.files, 40, list)
    assert await root_of_index(index) == before


async def test_a_single_changed_file_changes_the_root(core: Core, index: Index) -> None:
    path = next((core.root / layout.FILES).rglob("*.attr.json"))
    whole = path.read_bytes()
    given = json.loads(whole)
    digest = {"content": given["content"] | {"sha256": "0" * 64}}
    roots = {(await root_of_index(index))[1]}
    others = [given | {"tags": ["x"]}, given | digest]
    for change in (whole + b" ", *(json.dumps(other).encode() for other in others), b"{"):
        path.write_bytes(change)
        roots.add((await root_of_files(core.storage.files))[1])
    path.unlink()
    roots.add((await root_of_files(core.storage.files))[1])
    assert len(roots) == 1 + 4  # without attributes that can be read there is no document


async def test_an_element_without_documents_has_a_root(root: Path, database: Database) -> None:
    async with open_core(root) as core:
        index = Index(database, "edit-1", epoch=1)
        assert (await rebuild.rebuild(index, core.storage.files, 0, list)).root == NOTHING
        assert await root_of_index(index) == await root_of_files(core.storage.files) == (0, NOTHING)


async def test_a_document_that_lies_elsewhere_is_left_out(core: Core, index: Index) -> None:
    """By its id nobody would find it; and one that was copied there would be listed twice."""
    path = next((core.root / layout.FILES).rglob("*.attr.json"))
    elsewhere = core.root / layout.FILES / "2020/01/01/00/00"
    elsewhere.mkdir(parents=True)
    (elsewhere / path.name).write_bytes(path.read_bytes())
    assert await root_of_files(core.storage.files) == await root_of_index(index)
    assert (await rebuild.rebuild(index, core.storage.files, 40, list)).files == 40


async def test_a_directory_that_cannot_be_read_is_no_empty_one(
    core: Core, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await root_of_index(index)
    scandir = os.scandir

    def failing(path: str | int) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("/22"):
            raise OSError(5, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", failing)
    with pytest.raises(OSError, match="Input/output error"):
        await rebuild.rebuild(index, core.storage.files, 40, list)
    assert await root_of_index(index) == before


async def test_rows_that_are_not_what_was_read_are_never_shown(
    core: Core, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, load = await index.feed(0, 100), IndexRebuild.load

    async def forgetful(new: IndexRebuild, entries: Sequence[Entry]) -> None:
        await load(new, entries[1:])

    monkeypatch.setattr(IndexRebuild, "load", forgetful)
    with pytest.raises(IndexUnequal, match="40 files were read, and other rows were written"):
        await rebuild.rebuild(index, core.storage.files, 40, list)
    assert await index.feed(0, 100) == before


@dataclass
class Clients:
    """Who creates, changes and removes documents all the time, and who looks."""

    element: Element
    told: dict[UUID, FileAttributes] = field(default_factory=dict)
    seen: int = 0
    rebuilds: int = 0

    async def write(self, number: int) -> None:
        chosen = random.Random(number)
        while True:
            mine = [file_id for file_id in self.told if file_id.int % 3 == number]
            if len(mine) < 20 or chosen.random() < 0.4:
                file_id = UUID(int=(new := new_file_id()).int - new.int % 3 + number)
                self.told[file_id] = await self.element.put(b"%d" % chosen.randrange(9), file_id)
            elif chosen.random() < 0.5:
                file_id = chosen.choice(mine)
                assert (await self.element.patch(file_id, tags=[str(chosen.random())])).status_code == 200
                self.told[file_id] = await self.element.attributes(file_id)
            else:
                file_id = chosen.choice(mine)
                assert (await self.element.remove(file_id)).status_code == 204
                del self.told[file_id]

    async def look(self, kept: set[UUID]) -> None:
        """Reads work all the time, and nothing that nobody touches is ever missing."""
        while True:
            found: set[UUID] = set()
            cursor = ""
            while cursor is not None:
                query = f"&cursor={cursor}" if cursor else ""
                answer = await self.element.http.get(f"/api/v1/files?limit=500{query}")
                assert answer.status_code == 200, answer.text
                page = answer.json()
                found |= {UUID(item["file_id"]) for item in page["items"]}
                cursor = page["next_cursor"]
            assert kept <= found
            self.seen += 1

    async def distrust(self, database: Database) -> None:
        """The database says that it knows more than the element, again and again."""
        while True:
            await execute(database, "UPDATE index_state SET applied_lsn = 1000000")
            before = await self._generation(database)
            while await self._generation(database) == before:  # noqa: ASYNC110 (from outside there is no event)
                await asyncio.sleep(0.02)
            self.rebuilds += 1

    async def _generation(self, database: Database) -> str:
        async with database.connect() as connection:
            return str((await connection.execute(sa.text("SELECT generation FROM index_state"))).scalar_one())


async def test_rebuilds_under_load_are_right(
    element: Element, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files come, change and go while they are read; each document is there in its newest revision, and no other."""
    monkeypatch.setattr("storage_element.adapters.local.threads.READ_AT_ONCE", 5)
    monkeypatch.setattr(rebuild, "LOAD_ROWS", 5)
    await element.feed_up_to(0)
    kept = [await element.put(b"kept") for _ in range(100)]
    await element.feed_up_to(100)
    clients = Clients(element)
    work = [clients.write(0), clients.write(1), clients.write(2), clients.distrust(database)]
    work.append(clients.look({file.file_id for file in kept}))
    tasks = [asyncio.create_task(each) for each in work]
    async with asyncio.timeout(30):
        while clients.rebuilds < 6 and not any(task.done() for task in tasks):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in ended} == {asyncio.CancelledError}, ended
    assert clients.rebuilds >= 6
    assert clients.seen > 3
    await is_equal(element, Index(database, "edit-1"))


async def is_equal(element: Element, index: Index, within_s: float = 15) -> None:
    """As soon as the index has come to the element's last LSN."""
    files = element.services.reader._files
    async with asyncio.timeout(within_s):
        while (found := await root_of_index(index)) != await root_of_files(files):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    listed = [entry.file_id for entry in await index.page(UUID(int=0), 100_000)]
    assert len(listed) == found[0] > 100


async def test_more_news_than_are_kept_begin_it_anew(
    element: Element, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one batch is being read more is committed than memory shall hold: nothing is shown until all is right."""
    files = [await element.put(b"%d" % number) for number in range(120)]
    await element.feed_up_to(120)
    monkeypatch.setattr(indexing, "MOST_PENDING", 10)
    all_attributes, calls, loop = LocalFiles.all_attributes, [], asyncio.get_running_loop()
    begun, goes_on = asyncio.Event(), asyncio.Event()

    def read(local: LocalFiles) -> Iterator[tuple[str, bytes]]:
        calls.append(local)
        if len(calls) == 1:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(goes_on.wait(), loop).result(10)
        yield from all_attributes(local)

    monkeypatch.setattr(LocalFiles, "all_attributes", read)
    await execute(database, "UPDATE index_state SET applied_lsn = 1000000")
    await element.patch(files[0].file_id, tags=["finds that"])
    await begun.wait()
    for file in files[:25]:
        assert (await element.patch(file.file_id, tags=["meanwhile"])).status_code == 200
    goes_on.set()
    await is_equal(element, Index(database, "edit-1"))
    assert len(calls) > 2


async def test_a_rebuild_that_failed_is_never_taken_for_done(
    element: Element, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was of another past, and happens to be where this element comes to meanwhile."""
    await element.feed_up_to(0)
    file = await element.put(b"mine")
    await element.feed_up_to(1)
    swap = IndexRebuild.swap

    async def failing(new: IndexRebuild, applied_lsn: int, generation: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(IndexRebuild, "swap", failing)
    index = Index(database, "edit-1", epoch=1)
    await replace_unseen(index, swap)
    for _ in range(4):
        await element.patch(file.file_id, tags=["x"])
        await asyncio.sleep(0.1)
    monkeypatch.setattr(IndexRebuild, "swap", swap)
    async with asyncio.timeout(15):
        while await root_of_index(index) != await root_of_files(element.services.reader._files):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def replace_unseen(index: Index, swap: object) -> None:
    """An index that was restored: other files, at LSN 4."""
    other = document()
    entry = Entry(4, other.file_id, other.to_json().decode())
    with pytest.MonkeyPatch.context() as once:
        once.setattr(IndexRebuild, "swap", swap)
        await replace(index, [entry], 4, "restored")
