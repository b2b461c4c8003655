"""An audit log of millions of entries, made fast: the bytes, hashes and tiles are those that the service would make."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.audit import lock_head, make_partitions, read_tiles, set_size, write_tiles
from admin_module.domain.audit import Month, leaf_of
from admin_module.domain.merkle import edge_tiles, grown, leaf_hash
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.postgres import Database

AT_ONCE = 65_536
MONTHS = 12
ACTORS = 1000
_INDEX = 7_777_777
_ACTOR, _FILE = "actor-placeholder", "file-placeholder"
_ID = UUID("01900000-0000-7000-8000-000000000000")


@dataclass(frozen=True)
class Row:
    """An entry as the table keeps it."""

    entry_id: UUID
    index: int
    actor: str
    resource: str
    leaf: bytes


class Rows:
    """Entries of a thousand clients who read files, spread over a year; the same place always has the same row."""

    def __init__(self, until: datetime, count: int) -> None:
        self._until_ms = int(until.timestamp() * 1000)
        self._step_ms = timedelta(days=30 * (MONTHS - 1)) / timedelta(milliseconds=1) / count
        self._count = count
        entry = entry_of(_ID, _ACTOR, _FILE)
        leaf = leaf_of(_INDEX, until, entry).decode().replace("%", "%%")
        for placeholder, name in ((str(_ID), "id"), (_ACTOR, "actor"), (_FILE, "resource"), (str(_INDEX), "index")):
            assert placeholder in leaf, placeholder
            leaf = leaf.replace(placeholder, f"%({name})s")
        self._template = leaf

    def row(self, index: int) -> Row:
        """The entry at this place."""
        moment_ms = self._until_ms - int((self._count - index) * self._step_ms)
        entry_id = UUID(int=moment_ms << 80 | 7 << 76 | 0b10 << 62 | index)
        actor, resource = f"client-{index % ACTORS}", f"file:{index:032x}"
        told = {"id": str(entry_id), "actor": actor, "resource": resource, "index": index}
        return Row(entry_id, index, actor, resource, (self._template % told).encode())


def entry_of(entry_id: UUID, actor: str, resource: str) -> AuditEntry:
    """What such a row tells."""
    return AuditEntry(
        entry_id=entry_id,
        service="query-module",
        actor=actor,
        client_id="bench",
        action="file.read",
        resource=resource,
        request_id="0123456789abcdef0123456789abcdef",
        address="192.0.2.1",
    )


async def fill(database: Database, count: int, *, with_rows: bool, tell: Callable[[str], None]) -> Rows:
    """Make the log `count` entries long. Without rows only the tree grows, which is all that proofs by place read."""
    rows = Rows(datetime.now(UTC), count)
    size = 0
    while size < count:
        async with database.transaction() as connection:
            size = await lock_head(connection)
            size = await _append(connection, rows, size, min(size + AT_ONCE, max(count, size)), with_rows=with_rows)
        tell(f"{size} of {count} entries")
    return rows


async def _append(connection: AsyncConnection, rows: Rows, size: int, end: int, *, with_rows: bool) -> int:
    added = [rows.row(index) for index in range(size, end)]
    if not added:
        return size
    if with_rows:
        await make_partitions(connection, {Month.of(row.entry_id) for row in added})
        await _copy(connection, added)
    edge = await read_tiles(connection, edge_tiles(size))
    await write_tiles(connection, grown(size, edge, [leaf_hash(row.leaf) for row in added]))
    await set_size(connection, end)
    return end


async def _copy(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    columns = ["entry_id", "index", "service", "actor", "client_id", "acting_for", "action", "resource", "outcome"]
    records = (
        (row.entry_id, row.index, "query-module", row.actor, "bench", "", "file.read", row.resource, "done", row.leaf)
        for row in rows
    )
    await raw.copy_records_to_table("audit_entries", records=records, columns=[*columns, "leaf"])


def batches(entries: int) -> Iterator[bytes]:
    """Bodies for `POST /api/v1/audit/entries`: a thousand new entries each, of this moment."""
    while True:
        now_ms = time.time_ns() // 1_000_000
        told = [
            entry_of(new_entry_id(now_ms), f"client-{number % ACTORS}", f"file:{number:032x}").model_dump_json()
            for number in range(entries)
        ]
        yield b'{"entries":[' + ",".join(told).encode() + b"]}"
