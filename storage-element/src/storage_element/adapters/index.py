"""The element's index in PostgreSQL: a rebuildable copy of attributes, ordered by LSN, with tombstones."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from artstore_kit.contracts.errors import IndexUnavailable
from artstore_kit.postgres import Database

_UPSERTS = {
    table: sa.text(f"""
    INSERT INTO {table} (file_id, lsn, attributes)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:lsns AS bigint[]), CAST(:attributes AS text[]))
    ON CONFLICT (file_id) DO UPDATE SET lsn = excluded.lsn, attributes = excluded.attributes
    WHERE {table}.lsn < excluded.lsn
""")  # noqa: S608 (names of ours)
    for table in ("files", "files_news")
}
_ADVANCE = sa.text("""
    UPDATE index_state SET applied_lsn = :last, epoch = :epoch
    WHERE applied_lsn = :before AND element_id = :element AND epoch <= :epoch
""")
_CLAIM = sa.text("""
    INSERT INTO index_state (element_id, applied_lsn, generation, epoch) VALUES (:element, :lsn, :generation, :epoch)
    ON CONFLICT (single_row) DO UPDATE
    SET applied_lsn = excluded.applied_lsn, generation = excluded.generation, epoch = excluded.epoch
    WHERE index_state.element_id = excluded.element_id
    AND (index_state.epoch <= excluded.epoch OR CAST(:anyway AS boolean))
""")
_STATE = sa.text("SELECT applied_lsn, generation, element_id, epoch FROM index_state")
_COUNT = sa.text("""
    SELECT count(attributes) FROM files WHERE EXISTS (SELECT FROM index_state WHERE element_id = :element)
""")
_FEED = sa.text("""
    SELECT lsn, file_id, attributes FROM files WHERE lsn > :after AND lsn <= :applied ORDER BY lsn LIMIT :limit
""")
_LIST = sa.text("""
    SELECT lsn, file_id, attributes FROM files
    WHERE attributes IS NOT NULL AND file_id > :after ORDER BY file_id LIMIT :limit
""")
_BETWEEN = sa.text("""
    SELECT lsn, file_id, attributes FROM files WHERE file_id BETWEEN :first AND :last ORDER BY file_id LIMIT :limit
""")
_EXPIRES_AT = """(substring(attributes from '"retention":{[^{}]*"expires_at":"([^"]*)"') COLLATE "C")"""
EXPIRING = sa.text(f"""
    SELECT {_EXPIRES_AT}, file_id FROM files
    WHERE attributes LIKE '%"expires_at":%' AND {_EXPIRES_AT} <= :now AND ({_EXPIRES_AT}, file_id) > (:after, :file_id)
    ORDER BY 1, 2 LIMIT :limit
""")  # noqa: S608 (nothing from outside)


class IndexOfLaterEpoch(Exception):
    """A master of a later epoch has written the index, and nothing was changed: this one is stale, or was restored."""


class IndexDiverged(Exception):
    """The index is not where this element left it: it was restored, emptied, or written by another."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file after one operation: the JSON of its attributes, or None when it was removed."""

    lsn: int
    file_id: UUID
    attributes: str | None


@dataclass(frozen=True, slots=True)
class Expiring:
    """A file, and when it expires as its attributes say it."""

    expires_at: str
    file_id: UUID


@dataclass(frozen=True, slots=True)
class _State:
    applied_lsn: int
    generation: str
    element_id: str
    epoch: int


class Index:
    """Reads and writes of one element's index. Every write is one transaction that also moves the applied LSN.

    A database that holds the index of another element is neither written nor read: `IndexUnavailable`. Who writes
    has an epoch: what a later one has written is not changed.
    """

    def __init__(self, database: Database, element_id: str, epoch: int = 0) -> None:
        self._database = database
        self._element_id = element_id
        self._epoch = epoch
        self._is_judged = False

    async def check(self) -> None:
        """Raise unless the database answers and may hold this index."""
        async with self._connect() as connection:
            await self._state(connection)

    async def applied_lsn(self) -> int | None:
        """Up to which LSN the index shows the element; None when it was never built."""
        async with self._connect() as connection:
            state = await self._state(connection)
            return None if state is None else state.applied_lsn

    async def apply(self, entries: Sequence[Entry]) -> None:
        """Apply entries of consecutive LSNs; `IndexDiverged` unless they continue what was applied before.

        `IndexOfLaterEpoch`.
        """
        step = {"last": entries[-1].lsn, "before": entries[0].lsn - 1, **self._writer()}
        async with self._connect() as connection, connection.begin():
            moved = await connection.execute(_ADVANCE, step)
            if moved.rowcount != 1:
                self._not_of_later_epoch(await _row(connection))
                raise IndexDiverged
            await upsert(connection, "files", entries)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for what is more than one statement."""
        async with self._connect() as connection, connection.begin():
            yield connection

    async def must_be_ours(self, connection: AsyncConnection) -> None:
        """Raise `IndexUnavailable` when the database holds the index of another element."""
        await self._state(connection)

    async def claim(self, connection: AsyncConnection, applied_lsn: int, generation: str) -> None:
        """Say, in a transaction that replaces the rows, how far they are applied and that their history is another."""
        claim = {"lsn": applied_lsn, "generation": generation, "anyway": self._is_judged, **self._writer()}
        claimed = await connection.execute(_CLAIM, claim)
        if claimed.rowcount != 1:
            self._not_of_later_epoch(await self._state(connection))

    def judged(self) -> None:
        """The element says that this is its master: an index of a later epoch is one from before a restore."""
        self._is_judged = True

    async def feed(self, after: int, limit: int) -> tuple[str, list[Entry]]:
        """The feed's generation, and what changed after an LSN, in LSN order.

        A rebuild reads files that change meanwhile: rows may run ahead of what is applied, and wait for the rest.
        """
        async with self._connect() as connection:
            state = await self._built(connection)
            rows = await connection.execute(_FEED, {"after": after, "applied": state.applied_lsn, "limit": limit})
            return state.generation, [Entry(*row) for row in rows]

    async def page(self, after: UUID, limit: int) -> list[Entry]:
        """Files in the order of their ids, after `after`."""
        async with self._connect() as connection:
            await self._built(connection)
            rows = await connection.execute(_LIST, {"after": after, "limit": limit})
            return [Entry(*row) for row in rows]

    async def between(self, first: UUID, last: UUID, limit: int) -> list[Entry]:
        """The rows of a range of ids, tombstones too, in the order of their ids."""
        async with self._connect() as connection:
            await self._built(connection)
            rows = await connection.execute(_BETWEEN, {"first": first, "last": last, "limit": limit})
            return [Entry(*row) for row in rows]

    async def expiring(self, now: datetime, after: "Expiring | None", limit: int) -> list["Expiring"]:
        """What seems to expire until `now`, first what did so first; to the second."""
        last = after or Expiring("", UUID(int=0))
        values = {"now": f"{now:%Y-%m-%dT%H:%M:%SZ}", "after": last.expires_at, "file_id": last.file_id, "limit": limit}
        async with self._connect() as connection:
            await self._built(connection)
            return [Expiring(*row) for row in await connection.execute(EXPIRING, values)]

    async def count(self) -> int:
        """How many files the index shows."""
        async with self._connect() as connection:
            counted = await connection.execute(_COUNT, {"element": self._element_id})
            return int(counted.scalar_one())

    def _writer(self) -> dict[str, object]:
        return {"element": self._element_id, "epoch": self._epoch}

    def _not_of_later_epoch(self, state: _State | None) -> None:
        if state and state.element_id == self._element_id and state.epoch > self._epoch and not self._is_judged:
            raise IndexOfLaterEpoch

    async def _built(self, connection: AsyncConnection) -> _State:
        state = await self._state(connection)
        if state is None:
            raise IndexUnavailable("The index is being built.")
        return state

    async def _state(self, connection: AsyncConnection) -> _State | None:
        state = await _row(connection)
        if state and state.element_id != self._element_id:
            raise IndexUnavailable(
                f"The database holds the index of the element {state.element_id}; give {self._element_id} its own."
            )
        return state

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.connect() as connection:
                yield connection
        except ProgrammingError as error:
            raise IndexUnavailable("The index has no tables; run `migrate`.") from error


async def _row(connection: AsyncConnection) -> _State | None:
    row = (await connection.execute(_STATE)).first()
    return None if row is None else _State(*row)


async def upsert(connection: AsyncConnection, table: str, entries: Sequence[Entry]) -> None:
    """Bring a table of the index to what `entries` say, in LSN order; a row with a greater LSN stays."""
    newest = list({entry.file_id: entry for entry in entries}.values())
    columns = {
        "ids": [entry.file_id for entry in newest],
        "lsns": [entry.lsn for entry in newest],
        "attributes": [entry.attributes for entry in newest],
    }
    await connection.execute(_UPSERTS[table], columns)
