"""The index on a real PostgreSQL: each LSN applied exactly once, the feed in order, nothing shown before its turn."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from rebuilt_index import replace

from artstore_kit.contracts.errors import DatabaseUnavailable, IndexUnavailable
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.application import free_port
from artstore_kit.testing.documents import document
from storage_element.adapters.index import EXPIRING, Entry, Index, IndexDiverged, IndexOfLaterEpoch
from storage_element.adapters.index_rebuild import rebuilding

FILES = [new_file_id(moment_ms) for moment_ms in range(1000, 1010)]


@pytest.fixture
async def index(database: Database) -> Index:
    """Built, and empty."""
    index = Index(database, "edit-1")
    await replace(index, [], 0, "g1")
    return index


def entries(first: int, files: Sequence[UUID], removed: Sequence[UUID] = ()) -> list[Entry]:
    return [
        Entry(lsn, file_id, None if file_id in removed else f'{{"lsn": {lsn}}}')
        for lsn, file_id in enumerate(files, first)
    ]


async def feed(index: Index, after: int = 0, limit: int = 100) -> list[Entry]:
    return (await index.feed(after, limit))[1]


async def test_what_was_applied_is_in_the_feed_in_order(index: Index) -> None:
    written = entries(1, FILES[:3])
    await index.apply(written)
    assert await index.feed(0, 100) == ("g1", written)
    assert await feed(index, after=1, limit=1) == written[1:2]
    assert await feed(index, after=3) == []
    assert (await index.applied_lsn(), await index.count()) == (3, 3)


async def test_a_file_is_shown_once_with_its_newest_attributes(index: Index) -> None:
    await index.apply(entries(1, [FILES[0], FILES[1], FILES[0]]))
    assert [(entry.lsn, entry.file_id) for entry in await feed(index)] == [(2, FILES[1]), (3, FILES[0])]
    await index.apply(entries(4, [FILES[1]]))
    assert [(entry.lsn, entry.file_id) for entry in await feed(index)] == [(3, FILES[0]), (4, FILES[1])]


async def test_a_removed_file_leaves_a_tombstone(index: Index) -> None:
    await index.apply(entries(1, FILES[:2]))
    await index.apply(entries(3, FILES[:1], removed=FILES[:1]))
    assert await feed(index) == [Entry(2, FILES[1], '{"lsn": 2}'), Entry(3, FILES[0], None)]
    assert [entry.file_id for entry in await index.page(UUID(int=0), 10)] == [FILES[1]]
    assert await index.count() == 1


async def test_each_lsn_is_applied_exactly_once(index: Index) -> None:
    await index.apply(entries(1, FILES[:3]))
    for wrong in (entries(1, FILES[:3]), entries(3, FILES[2:5]), entries(5, FILES[4:6])):
        with pytest.raises(IndexDiverged):
            await index.apply(wrong)
    assert await index.applied_lsn() == 3
    assert [entry.lsn for entry in await feed(index)] == [1, 2, 3]
    await index.apply(entries(4, FILES[3:4]))


async def test_a_batch_is_applied_whole_or_not_at_all(index: Index) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        await index.apply([*entries(1, FILES[:1]), Entry(2, FILES[1], "\0")])
    assert (await index.applied_lsn(), await feed(index)) == (0, [])


async def test_a_replacement_takes_the_place_of_everything(index: Index) -> None:
    await index.apply(entries(1, FILES[:5]))
    fresh = entries(2, FILES[5:7])
    await replace(index, fresh, 9, "g2")
    assert await index.feed(0, 100) == ("g2", fresh)
    assert await index.applied_lsn() == 9
    await index.apply(entries(10, FILES[7:8]))


async def test_what_is_committed_meanwhile_stands_above_what_was_read(index: Index) -> None:
    """Whatever was read before or after: the greatest LSN of each file counts."""
    read = [Entry(lsn, file_id, f'{{"lsn": {lsn}}}') for lsn, file_id in zip((1, 9, 3), FILES, strict=False)]
    news = [*entries(5, FILES[:2]), *entries(7, [FILES[2], FILES[3], FILES[0]], removed=[FILES[2]])]
    await replace(index, read, 9, "g2", news)
    found = {entry.file_id: (entry.lsn, entry.attributes is None) for entry in await feed(index)}
    assert found == {FILES[0]: (9, False), FILES[1]: (9, False), FILES[2]: (7, True), FILES[3]: (8, False)}


async def test_a_rebuild_that_fails_leaves_the_old_index(index: Index) -> None:
    written = entries(1, FILES[:3])
    await index.apply(written)
    with pytest.raises(DatabaseUnavailable):
        await replace(index, entries(1, [FILES[0], FILES[0]]), 9, "g2")
    with pytest.raises(sa.exc.DBAPIError):
        await replace(index, entries(1, FILES), 9, "g2", news=[Entry(9, FILES[0], "\0")])
    assert await index.feed(0, 100) == ("g1", written)
    await replace(index, entries(1, FILES), 10, "g2")
    assert len(await feed(index)) == len(FILES)


async def test_readers_see_the_old_rows_until_the_new_are_complete(index: Index) -> None:
    written = entries(1, FILES[:3])
    await index.apply(written)
    async with rebuilding(index) as new:
        await new.load(entries(1, FILES))
        async with asyncio.timeout(5):
            assert await index.feed(0, 100) == ("g1", written)
            assert (await index.count(), await index.applied_lsn()) == (3, 3)
        await new.swap(10, "g2")
    assert (await index.feed(0, 100))[0] == "g2"


async def test_a_rebuilt_index_has_the_schema_of_the_first(index: Index, database: Database) -> None:
    async def schema() -> list[tuple[object, ...]]:
        async with database.connect() as connection:
            columns = await connection.execute(
                sa.text(
                    "SELECT column_name, data_type, is_nullable, col_description('files'::regclass, ordinal_position) "
                    "FROM information_schema.columns WHERE table_name = 'files' ORDER BY 1"
                )
            )
            indexes = await connection.execute(
                sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'files' ORDER BY 1")
            )
            tables = await connection.execute(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            return [tuple(row) for found in (columns, indexes) for row in found] + sorted(map(tuple, tables))

    before = await schema()
    for generation in ("g2", "g3"):
        await replace(index, entries(1, FILES), 10, generation)
        assert await schema() == before


async def test_rows_that_run_ahead_wait_for_the_rest(index: Index) -> None:
    """A rebuild that reads while files change finds some at a later LSN; a reader who saw them would miss others."""
    await replace(index, [Entry(5, FILES[0], "{}"), Entry(12, FILES[1], "{}")], 10, "g2")
    assert [entry.lsn for entry in await feed(index)] == [5]
    await index.apply(entries(11, FILES[:2]))
    assert [entry.lsn for entry in await feed(index, after=5)] == [11, 12]


async def test_pages_go_by_id(index: Index) -> None:
    await index.apply(entries(1, FILES[::-1], removed=FILES[4:5]))
    expected = [file_id for file_id in FILES if file_id != FILES[4]]
    assert [entry.file_id for entry in await index.page(UUID(int=0), 100)] == expected
    assert [entry.file_id for entry in await index.page(FILES[3], 2)] == FILES[5:7]


async def test_an_index_that_was_never_built_is_not_an_empty_one(database: Database) -> None:
    index = Index(database, "edit-1")
    assert await index.applied_lsn() is None
    with pytest.raises(IndexUnavailable):
        await index.feed(0, 10)
    with pytest.raises(IndexUnavailable):
        await index.page(UUID(int=0), 10)
    with pytest.raises(IndexDiverged):
        await index.apply(entries(1, FILES[:1]))


async def test_an_index_without_tables_is_not_an_empty_one(index: Index, database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("ALTER TABLE files RENAME TO elsewhere"))
    with pytest.raises(IndexUnavailable, match="migrate"):
        await feed(index)
    with pytest.raises(IndexUnavailable):
        await index.count()
    async with database.transaction() as connection:
        await connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO files"))
    assert await feed(index) == []


async def test_a_database_that_is_away_is_told() -> None:
    settings = PostgresSettings(url=f"postgresql://nobody@127.0.0.1:{free_port()}/none", connect_timeout_s=0.5)
    database = Database(settings)
    with pytest.raises(DatabaseUnavailable):
        await Index(database, "edit-1").feed(0, 1)
    await database.close()


async def test_the_index_of_one_element_is_neither_read_nor_written_by_another(
    index: Index, database: Database
) -> None:
    """Each would rebuild it after the other, for ever, and serve the other's files meanwhile."""
    written = entries(1, FILES[:3])
    await index.apply(written)
    other = Index(database, "rw-1")
    for refused in (
        other.check(),
        other.applied_lsn(),
        replace(other, [], 9, "g2"),
        other.feed(0, 10),
        other.page(UUID(int=0), 10),
    ):
        with pytest.raises(IndexUnavailable, match="holds the index of the element edit-1; give rw-1 its own"):
            await refused
    with pytest.raises(IndexDiverged):
        await other.apply(entries(4, FILES[3:4]))
    assert await other.count() == 0
    assert await index.feed(0, 100) == ("g1", written)
    await index.check()


async def test_of_two_elements_that_claim_one_database_the_first_has_it(database: Database) -> None:
    claims = [replace(Index(database, name), [], 0, name) for name in ("edit-1", "rw-1")]
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [IndexUnavailable]


async def test_what_expires_is_found_by_an_index(index: Index, database: Database) -> None:
    soon = document(retention={"expires_at": "2026-01-01T00:00:00Z"})
    later = document(retention={"expires_at": "2026-01-02T00:00:00.5Z"})
    named_so = document(metadata={"expires_at": "2020-01-01T00:00:00Z"}, description='"expires_at":"2020')
    files = [soon, later, named_so]
    await replace(index, [Entry(at, file.file_id, file.to_json().decode()) for at, file in enumerate(files, 1)], 3, "g")
    first = await index.expiring(datetime(2026, 1, 1, tzinfo=UTC), None, 10)
    assert [(each.file_id, each.expires_at) for each in first] == [(soon.file_id, "2026-01-01T00:00:00Z")]
    [second] = await index.expiring(datetime(2026, 2, 1, tzinfo=UTC), first[-1], 10)
    assert second.file_id == later.file_id
    assert await index.expiring(datetime(2026, 2, 1, tzinfo=UTC), second, 10) == []
    async with database.connect() as connection:
        await connection.execute(sa.text("SET enable_seqscan = off"))
        values = {"now": "2026-02-01T00:00:00Z", "after": "", "file_id": UUID(int=0), "limit": 10}
        plan = (await connection.execute(sa.text(f"EXPLAIN {EXPIRING}"), values)).scalars().all()
    assert "files_expiring" in "\n".join(plan)


async def test_rows_are_read_range_by_range(index: Index) -> None:
    files = sorted((document(number=number) for number in range(5)), key=lambda file: file.file_id)
    await replace(index, [Entry(at, file.file_id, "{}") for at, file in enumerate(files, 1)], 5, "g")
    ids = [file.file_id for file in files]
    assert [row.file_id for row in await index.between(ids[1], ids[3], 10)] == ids[1:4]
    assert [row.file_id for row in await index.between(ids[1], ids[3], 2)] == ids[1:3]


async def test_a_master_of_an_older_epoch_writes_no_more(database: Database, index: Index) -> None:
    """Its LSNs would fit, and change what the new one has written."""
    old, new = Index(database, "edit-1", epoch=4), Index(database, "edit-1", epoch=5)
    await old.apply(entries(1, FILES[:2]))
    await new.apply(entries(3, FILES[2:3]))
    shown = await feed(new)
    for write in (old.apply(entries(4, FILES[3:4])), replace(old, [], 3, "theirs")):
        with pytest.raises(IndexOfLaterEpoch):
            await write
    assert await feed(new) == await feed(old) == shown
    with pytest.raises(IndexDiverged):
        await new.apply(entries(7, FILES[3:4]))


async def test_an_element_that_was_restored_takes_its_index_back(database: Database, index: Index) -> None:
    later, restored = Index(database, "edit-1", epoch=9), Index(database, "edit-1", epoch=3)
    await later.apply(entries(1, FILES[:2]))
    restored.judged()
    await replace(restored, entries(1, FILES[:1]), 1, "again")
    await restored.apply(entries(2, FILES[1:2]))
    assert [entry.lsn for entry in await feed(restored)] == [1, 2]
