"""The audit log in PostgreSQL: appended to under the lock of its head, in transactions of whoever does the deed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.audit import audit_entries, audit_head, audit_tiles
from admin_module.domain.audit import Month
from admin_module.domain.merkle import TileId, Tiles
from artstore_kit.contracts.audit import AuditEntry


@dataclass(frozen=True)
class Leaf:
    """An entry with its place in the log, and the bytes that were hashed."""

    index: int
    entry: AuditEntry
    content: bytes


@dataclass(frozen=True)
class NewestOfMonth:
    """How many entries a month has, and which of them was recorded last."""

    entries: int
    index: int
    leaf: bytes


async def lock_head(connection: AsyncConnection) -> int:
    """How many entries there are. Until the end of the transaction nobody else appends."""
    locked = sa.select(audit_head.c.size).with_for_update()
    size = await connection.scalar(locked)
    if size is None:
        await connection.execute(insert(audit_head).values(one=True, size=0).on_conflict_do_nothing())
        size = await connection.scalar(locked)
    return int(size or 0)


async def known_leaves(connection: AsyncConnection, entry_ids: Collection[UUID]) -> dict[UUID, bytes]:
    """Those of these entries that the log has already, as leaves; to be asked with the head locked."""
    statement = sa.text("SELECT entry_id, leaf FROM audit_entries WHERE entry_id = ANY (CAST(:ids AS uuid[]))")
    return {entry_id: bytes(leaf) for entry_id, leaf in await connection.execute(statement, {"ids": list(entry_ids)})}


async def read_tiles(connection: AsyncConnection, tiles: Collection[TileId]) -> Tiles:
    """Those of the tiles that exist."""
    if not tiles:
        return {}
    statement = sa.text(
        "SELECT level, number, hashes FROM audit_tiles JOIN "
        "unnest(CAST(:levels AS int[]), CAST(:numbers AS bigint[])) AS wanted (level, number) USING (level, number)"
    )
    levels, numbers = [level for level, _ in tiles], [number for _, number in tiles]
    rows = await connection.execute(statement, {"levels": levels, "numbers": numbers})
    return {(level, number): bytes(hashes) for level, number, hashes in rows}


async def make_partitions(connection: AsyncConnection, months: Iterable[Month]) -> None:
    """Room for entries of these months; to be asked with the head locked. Readers are not kept waiting."""
    names = {_partition(month): month for month in months}
    statement = sa.text("SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NULL")
    for name in (await connection.scalars(statement, {"names": list(names)})).all():
        first, end = names[name].first_id, names[name].next.first_id
        await connection.execute(sa.text(f"CREATE TABLE {name} (LIKE audit_entries INCLUDING ALL)"))
        await connection.execute(
            sa.text(f"ALTER TABLE audit_entries ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')")
        )


async def months_kept(connection: AsyncConnection) -> list[Month]:
    """The months that have a partition."""
    statement = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_entries'::regclass")
    digits = [name.removeprefix(_PREFIX) for name in await connection.scalars(statement)]
    return [Month(int(each[:4]), int(each[4:])) for each in digits]


async def newest_of(connection: AsyncConnection, month: Month) -> NewestOfMonth | None:
    """What a month holds, or None when it has no entries; to be asked with the head locked."""
    name = _partition(month)
    if await connection.scalar(sa.text("SELECT to_regclass(:name) IS NULL"), {"name": name}):
        return None
    statement = sa.text(
        f"SELECT (SELECT count(*) FROM {name}), index, leaf FROM {name} ORDER BY index DESC LIMIT 1"  # noqa: S608 (a name of ours)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else NewestOfMonth(row[0], row[1], bytes(row[2]))


async def drop_partition(connection: AsyncConnection, month: Month) -> None:
    """Remove a month and all of its entries; to be done with the head locked.

    Fails after two seconds when long reads keep it waiting, because others would wait behind it.
    """
    await connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
    await connection.execute(sa.text(f"DROP TABLE {_partition(month)}"))


async def write_leaves(connection: AsyncConnection, leaves: Sequence[Leaf], tiles: Mapping[TileId, bytes]) -> None:
    """Add the leaves, which follow those that are there, with the tiles that they change."""
    await connection.execute(_INSERT_LEAVES, _arrays(leaves))
    await write_tiles(connection, tiles)
    await set_size(connection, leaves[-1].index + 1)


async def write_tiles(connection: AsyncConnection, tiles: Mapping[TileId, bytes]) -> None:
    """Put tiles in the place of what there was of them."""
    await connection.execute(
        _UPSERT_TILES,
        {
            "levels": [level for level, _ in tiles],
            "numbers": [number for _, number in tiles],
            "hashes": list(tiles.values()),
        },
    )


async def set_size(connection: AsyncConnection, size: int) -> None:
    """How many entries there are from now on; to be said with the head locked."""
    await connection.execute(audit_head.update().values(size=size))


_WORDS = ("service", "actor", "client_id", "acting_for", "action", "resource", "outcome")
_COLUMNS = {"entry_id": "uuid", "index": "bigint", **dict.fromkeys(_WORDS, "text"), "leaf": "bytea"}
_INSERT_LEAVES = sa.text(
    f"INSERT INTO {audit_entries.name} ({', '.join(_COLUMNS)}) SELECT * FROM unnest("  # noqa: S608 (names of ours)
    + ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())
    + ")"
)
_UPSERT_TILES = sa.text(
    f"INSERT INTO {audit_tiles.name} (level, number, hashes) SELECT * FROM unnest("  # noqa: S608 (names of ours)
    "CAST(:levels AS int[]), CAST(:numbers AS bigint[]), CAST(:hashes AS bytea[])) "
    "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
)


def _arrays(leaves: Sequence[Leaf]) -> dict[str, list[object]]:
    entries = [leaf.entry for leaf in leaves]
    return {
        "entry_id": [entry.entry_id for entry in entries],
        "index": [leaf.index for leaf in leaves],
        **{name: [str(getattr(entry, name)) for entry in entries] for name in _WORDS},
        "leaf": [leaf.content for leaf in leaves],
    }


_PREFIX = "audit_entries_"


def _partition(month: Month) -> str:
    return f"{_PREFIX}{month.year:04}{month.month:02}"
