"""Changes and the cursor go together, or not at all."""

import asyncio

import pytest
import sqlalchemy as sa

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.contracts.files import Change, ChangePage, FileAttributes
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.documents import document
from query_module.adapters import entries
from query_module.domain.cursor import Cursor
from query_module.services.indexing import Indexing

FIRST = Cursor("g1", lsn=0, sweep=1, sweeping=True)


def page(*documents: FileAttributes | None, after: int = 0, generation: str = "g1") -> ChangePage:
    """A page of documents one after the other; None is a tombstone of a file that was never seen."""
    items = [
        Change(lsn=after + lsn, file_id=(each or document()).file_id, attributes=each)
        for lsn, each in enumerate(documents, 1)
    ]
    return ChangePage(generation=generation, items=items, next_after=after + len(items))


def removal(file: FileAttributes, lsn: int) -> ChangePage:
    return ChangePage(generation="g1", items=[Change(lsn=lsn, file_id=file.file_id)], next_after=lsn)


async def names(index: Database) -> set[str]:
    async with index.connect() as connection:
        return set(await connection.scalars(sa.text("SELECT name FROM files")))


@pytest.fixture
async def indexing(index: Database) -> Indexing:
    """With the feed of `edit-1` begun."""
    indexing = Indexing(index)
    assert await indexing.apply("edit-1", Cursor(), page()) == FIRST
    return indexing


async def test_the_first_page_of_an_element_begins_its_first_sweep(index: Database, indexing: Indexing) -> None:
    assert await indexing.cursor("edit-1") == FIRST
    assert await indexing.cursor("rw-1") == Cursor()


async def test_pages_are_carried_over_and_an_empty_one_ends_the_sweep(index: Database, indexing: Indexing) -> None:
    cursor = await indexing.apply("edit-1", FIRST, page(document("a"), document("b"), None))
    assert cursor == Cursor("g1", lsn=3, sweep=1, sweeping=True)
    assert await names(index) == {"a", "b"}
    cursor = await indexing.apply("edit-1", cursor, page(after=3))
    assert cursor == Cursor("g1", lsn=3, sweep=1, sweeping=False)
    assert await indexing.cursor("edit-1") == cursor
    assert await names(index) == {"a", "b"}


async def test_removals(index: Database, indexing: Indexing) -> None:
    file = document("a")
    cursor = await indexing.apply("edit-1", FIRST, page(file, document("b")))
    assert cursor
    await indexing.apply("edit-1", cursor, removal(file, 3))
    assert await names(index) == {"b"}


async def test_a_file_twice_in_a_page(index: Database, indexing: Indexing) -> None:
    first = document("old")
    newer = document("new", file_id=first.file_id, revision=2)
    await indexing.apply("edit-1", FIRST, page(first, newer))
    assert await names(index) == {"new"}


async def test_a_new_generation_is_read_from_its_beginning_while_the_old_is_found(
    index: Database, indexing: Indexing
) -> None:
    kept, lost = document("kept"), document("lost")
    cursor = await indexing.apply("edit-1", FIRST, page(kept, lost))
    assert cursor
    await indexing.apply("rw-1", Cursor(), page())
    await indexing.apply("rw-1", FIRST, page(document("elsewhere")))
    cursor = await indexing.apply("edit-1", cursor, page(document("too early"), after=2, generation="g2"))
    assert cursor == Cursor("g2", lsn=0, sweep=2, sweeping=True)
    assert await names(index) == {"kept", "lost", "elsewhere"}
    cursor = await indexing.apply("edit-1", cursor, page(kept, document("new"), generation="g2"))
    assert cursor
    assert await names(index) == {"kept", "lost", "new", "elsewhere"}
    cursor = await indexing.apply("edit-1", cursor, page(after=2, generation="g2"))
    assert cursor == Cursor("g2", lsn=2, sweep=2, sweeping=False)
    assert await names(index) == {"kept", "new", "elsewhere"}


async def test_history_lost_again_during_a_sweep(index: Database, indexing: Indexing) -> None:
    cursor = await indexing.apply("edit-1", FIRST, page(document("a")))
    assert cursor
    cursor = await indexing.apply("edit-1", cursor, page(generation="g2"))
    assert cursor
    cursor = await indexing.apply("edit-1", cursor, page(generation="g3"))
    assert cursor == Cursor("g3", lsn=0, sweep=3, sweeping=True)
    cursor = await indexing.apply("edit-1", cursor, page(generation="g3"))
    assert cursor == Cursor("g3", lsn=0, sweep=3, sweeping=False)
    assert await names(index) == set()


async def test_nothing_new_writes_nothing(index: Database, indexing: Indexing) -> None:
    cursor = await indexing.apply("edit-1", FIRST, page())
    assert cursor
    before = await writes(index)
    assert await indexing.apply("edit-1", cursor, page()) == cursor
    assert await writes(index) == before


async def test_of_two_followers_only_one_moves_the_cursor(index: Database, indexing: Indexing) -> None:
    files = [document(str(number)) for number in range(50)]
    moved = await asyncio.gather(*(indexing.apply("edit-1", FIRST, page(*files)) for _ in range(4)))
    assert len([cursor for cursor in moved if cursor]) == 1
    began = await asyncio.gather(*(indexing.apply("rw-1", Cursor(), page()) for _ in range(4)))
    assert len([cursor for cursor in began if cursor]) == 1


async def test_when_the_entries_cannot_be_written_the_cursor_stays(
    index: Database, indexing: Indexing, postgres: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is killed between the cursor and the entries, as by a crash of the server."""
    doomed = Database(postgres, "doomed")
    real = entries.put_entries

    async def killed(*args: object) -> None:
        async with index.connect() as connection:
            kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'"
            await connection.execute(sa.text(kill))
        await real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("query_module.services.indexing.put_entries", killed)
    with pytest.raises(DatabaseUnavailable):
        await Indexing(doomed).apply("edit-1", FIRST, page(document("a")))
    await doomed.close()
    assert await indexing.cursor("edit-1") == FIRST
    assert await names(index) == set()
    monkeypatch.undo()
    assert await indexing.apply("edit-1", FIRST, page(document("a")))
    assert await names(index) == {"a"}


async def writes(index: Database) -> int:
    async with index.connect() as connection:
        return int(await connection.scalar(sa.text("SELECT xmin::text FROM follow_cursors")) or 0)
