"""Looking into the audit log: pages, exports, and the leaves as they were hashed."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from admin_module.adapters.audit import read_tiles
from admin_module.adapters.audit_reads import leaves_from, page_of_leaves
from admin_module.adapters.checkpoints import log_size
from admin_module.domain.audit_filters import Filters
from admin_module.domain.merkle import span_hash, tiles_of
from artstore_kit.contracts.audit import AuditRecord
from artstore_kit.contracts.errors import AuditLogDamaged
from artstore_kit.postgres import Database

AT_ONCE = 1000
FIRST = UUID(int=0)


@dataclass(frozen=True)
class AuditSearch:
    """Reads of the log. Long ones take a connection for each part only, and see what is appended meanwhile."""

    database: Database

    async def page(self, filters: Filters, before: UUID | None, limit: int) -> Sequence[AuditRecord]:
        """At most `limit` entries, newest deed first, from before the entry `before` on."""
        async with self.database.connect() as connection:
            leaves = await page_of_leaves(connection, filters, limit, before=before)
        return [_record(leaf) for leaf in leaves]

    async def all(self, filters: Filters) -> AsyncIterator[Sequence[AuditRecord]]:
        """Every entry, oldest deed first, in parts."""
        after = FIRST
        while True:
            async with self.database.connect() as connection:
                records = [_record(leaf) for leaf in await page_of_leaves(connection, filters, AT_ONCE, after=after)]
            if records:
                yield records
                after = records[-1].entry.entry_id
            if len(records) < AT_ONCE:
                return

    async def leaves(self, start: int, limit: int | None) -> AsyncIterator[bytes]:
        """Lines: the leaf at each place from `start` on, or its hash alone where it was let go."""
        async with self.database.connect() as connection:
            size = await log_size(connection)
        end = size if limit is None else min(start + limit, size)
        for first in range(start, end, AT_ONCE):
            yield await self._lines(first, min(first + AT_ONCE, end))

    async def _lines(self, start: int, end: int) -> bytes:
        async with self.database.connect() as connection:
            leaves = await leaves_from(connection, start, end)
            gone = [index for index in range(start, end) if index not in leaves]
            tiles = await read_tiles(connection, tiles_of((index, index + 1) for index in gone))
        try:
            hashes = {index: b64encode(span_hash(tiles, (index, index + 1))).decode() for index in gone}
        except KeyError as error:
            raise AuditLogDamaged from error
        known = leaves | {index: f'{{"hash":"{each}","index":{index}}}'.encode() for index, each in hashes.items()}
        return b"".join(known[index] + b"\n" for index in range(start, end))


def _record(leaf: bytes) -> AuditRecord:
    try:
        return AuditRecord.model_validate_json(leaf)
    except ValidationError as error:
        raise AuditLogDamaged from error
