"""A new index, made beside the one that readers see: it takes its place in one moment, or never."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from artstore_kit.contracts.errors import DatabaseUnavailable
from storage_element.adapters.index import Entry, Index, upsert

PAGE_ROWS = 5000
_ONE_AT_A_TIME = 0x41727453496E6478
"""Of PostgreSQL's advisory locks: any number will do, if all who rebuild take the same."""
_MAKE = (
    "CREATE TABLE files_next (LIKE files INCLUDING ALL)",
    "CREATE TEMPORARY TABLE files_news (LIKE files, PRIMARY KEY (file_id)) ON COMMIT DROP",
)
_MERGE = """
    INSERT INTO files_next SELECT * FROM files_news
    ON CONFLICT (file_id) DO UPDATE SET lsn = excluded.lsn, attributes = excluded.attributes
    WHERE files_next.lsn < excluded.lsn
"""
_SWAP = (_MERGE, "ANALYZE files_next", "DROP TABLE files", "ALTER TABLE files_next RENAME TO files")
_INDEXES = sa.text(
    "SELECT indexdef, indexname FROM pg_indexes WHERE schemaname = current_schema AND tablename = :table"
)
_ROWS = "SELECT file_id, attributes FROM {table} WHERE attributes IS NOT NULL ORDER BY file_id"

type Rows = Sequence[tuple[UUID, str]]
"""Ids with the JSON of their attributes."""


class IndexRebuild:
    """Everything happens in one transaction: whatever ends it early leaves the old index as it was.

    Rows are copied and read past the engine, which takes three times as long for each.
    """

    def __init__(self, index: Index, connection: AsyncConnection, raw: "asyncpg.Connection[Any]") -> None:
        self._index = index
        self._connection = connection
        self._raw = raw

    async def load(self, entries: Sequence[Entry]) -> None:
        """Take files as they were read: each once."""
        rows = [(entry.file_id, entry.lsn, entry.attributes) for entry in entries]
        with _translated():
            await self._raw.copy_records_to_table("files_next", columns=("file_id", "lsn", "attributes"), records=rows)

    async def note(self, entries: Sequence[Entry]) -> None:
        """Take what was committed since the reading began: the newest of each file will count."""
        for at in range(0, len(entries), PAGE_ROWS):
            await upsert(self._connection, "files_news", entries[at : at + PAGE_ROWS])

    def loaded(self) -> AsyncIterator[Rows]:
        """What was loaded, in the order of ids."""
        return _pages(self._raw, "files_next")

    async def swap(self, applied_lsn: int, generation: str) -> None:
        """Put the new index in the place of the old one; readers wait for a moment."""
        old, new = await self._indexes("files"), await self._indexes("files_next")
        for statement in _SWAP:
            await self._connection.execute(sa.text(statement))
        for definition, name in new.items():
            await self._connection.execute(sa.text(f"ALTER INDEX {name} RENAME TO {old[definition]}"))
        await self._index.claim(self._connection, applied_lsn, generation)

    async def _indexes(self, table: str) -> Mapping[str, str]:
        """Their names by what they are of."""
        rows = await self._connection.execute(_INDEXES, {"table": table})
        return {definition.partition(" USING ")[2]: name for definition, name in rows}


@asynccontextmanager
async def rebuilding(index: Index) -> AsyncIterator[IndexRebuild]:
    """A rebuild, committed at the end. Another one on the same database waits for it, or gives up."""
    async with index.transaction() as connection:
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        await index.must_be_ours(connection)
        for statement in _MAKE:
            await connection.execute(sa.text(statement))
        yield IndexRebuild(index, connection, await _raw(connection))


async def shown(index: Index) -> AsyncIterator[Rows]:
    """All files that the index shows at one moment, in the order of their ids."""
    async with index.transaction() as connection:
        await index.must_be_ours(connection)
        async for page in _pages(await _raw(connection), "files"):
            yield page


async def _raw(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    raw: asyncpg.Connection[Any] = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment]
    return raw


async def _pages(raw: "asyncpg.Connection[Any]", table: str) -> AsyncIterator[Rows]:
    """One cursor sees one moment."""
    with _translated():
        cursor = await raw.cursor(_ROWS.format(table=table))
        while page := await cursor.fetch(PAGE_ROWS):
            yield [(row[0], row[1]) for row in page]


@contextmanager
def _translated() -> Iterator[None]:
    """As the engine would have it."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise DatabaseUnavailable(f"The index could not be rebuilt: {error}") from error
