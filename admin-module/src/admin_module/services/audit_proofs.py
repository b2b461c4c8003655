"""Proofs that an entry is in the log that was signed, and that a later log begins with an earlier one."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.audit import read_tiles
from admin_module.adapters.audit_reads import place_of
from admin_module.adapters.checkpoints import last_checkpoint, log_size
from admin_module.domain.merkle import Span, consistency_spans, inclusion_spans, span_hash, tiles_of
from artstore_kit.contracts.audit import ConsistencyProof, InclusionProof
from artstore_kit.contracts.errors import AuditEntryUnknown, AuditLogDamaged, CheckpointPending, InvalidFields
from artstore_kit.postgres import Database


@dataclass(frozen=True)
class AuditProofs:
    """Proofs as RFC 9162 section 2.1 defines them."""

    database: Database

    async def inclusion_of(self, entry_id: UUID, size: int | None) -> InclusionProof:
        """For the entry of this id, in the log as it was with `size` entries, or as it was last signed."""
        async with self.database.connect() as connection:
            index = await place_of(connection, entry_id)
            if index is None:
                raise AuditEntryUnknown
            return await self._inclusion(connection, index, size)

    async def inclusion_at(self, index: int, size: int | None) -> InclusionProof:
        """For the entry at this place; also for one that was let go."""
        async with self.database.connect() as connection:
            return await self._inclusion(connection, index, size)

    async def consistency(self, first: int, second: int | None) -> ConsistencyProof:
        """That the log with `second` entries, or as it was last signed, begins with that of `first`."""
        async with self.database.connect() as connection:
            whole = await _size(connection, second)
            if first > whole:
                raise InvalidFields(f"first: a log of {whole} entries cannot begin with {first}.")
            hashes = await _hashes(connection, consistency_spans(first, whole))
        return ConsistencyProof(first=first, second=whole, hashes=hashes)

    async def _inclusion(self, connection: AsyncConnection, index: int, size: int | None) -> InclusionProof:
        whole = await _size(connection, size)
        if index >= whole:
            await _explain(connection, index, whole)
        own, *hashes = await _hashes(connection, [(index, index + 1), *inclusion_spans(index, whole)])
        return InclusionProof(index=index, size=whole, leaf_hash=own, hashes=hashes)


async def _size(connection: AsyncConnection, asked: int | None) -> int:
    if asked is None:
        checkpoint = await last_checkpoint(connection)
        if checkpoint is None:
            raise CheckpointPending
        return checkpoint.size
    size = await log_size(connection)
    if asked > size:
        raise InvalidFields(f"The log has {size} entries, and not {asked}.")
    return asked


async def _explain(connection: AsyncConnection, index: int, size: int) -> None:
    """Why a log of this size has no entry at this place."""
    if index < await log_size(connection):
        raise CheckpointPending(f"The entry at {index} came after the {size} that were signed.")
    raise AuditEntryUnknown


async def _hashes(connection: AsyncConnection, spans: Sequence[Span]) -> list[str]:
    tiles = await read_tiles(connection, tiles_of(spans))
    try:
        return _encoded(span_hash(tiles, span) for span in spans)
    except KeyError as error:
        raise AuditLogDamaged from error


def _encoded(hashes: Iterable[bytes]) -> list[str]:
    return [b64encode(each).decode() for each in hashes]
