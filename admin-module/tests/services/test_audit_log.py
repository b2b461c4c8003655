"""Entries are appended once, in one order, with the deed or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.audit import audit_entries, audit_head, audit_tiles
from admin_module.domain.audit import EARLIEST, Deed
from admin_module.domain.merkle import TileId, grown, leaf_hash, root_hash
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.contracts.errors import AuditLogDamaged, InvalidFields
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]


def entry(entry_id: UUID | None = None, *, service: str = "storage-element") -> AuditEntry:
    return AuditEntry(entry_id=entry_id or new_entry_id(), service=service, action="file.create")


async def leaves(database: Database) -> list[bytes]:
    async with database.connect() as connection:
        rows = await connection.execute(sa.select(audit_entries.c.index, audit_entries.c.leaf))
        by_index = {index: bytes(leaf) for index, leaf in rows}
    return [by_index[index] for index in range(len(by_index))]


async def tiles(database: Database) -> Mapping[TileId, bytes]:
    async with database.connect() as connection:
        return {
            (level, number): bytes(hashes) for level, number, hashes in await connection.execute(audit_tiles.select())
        }


async def size(database: Database) -> int | None:
    async with database.connect() as connection:
        return await connection.scalar(sa.select(audit_head.c.size))


async def test_a_deed_is_recorded_with_the_transaction(
    database: Database, audit: AuditLog, recorded: Recorded, ada: Principal, clock: MovableClock
) -> None:
    async with database.transaction() as connection:
        await audit.record(connection, Deed.by(ada, "account.create", "account:a", scopes=["files:read"]))
        assert await recorded() == []
    (told,) = await recorded()
    assert (told.actor, told.client_id, told.resource) == ("ada", "artstore-login", "account:a")
    assert told.at == clock().replace(microsecond=clock().microsecond // 1000 * 1000)


async def test_nothing_to_record_takes_no_lock(database: Database, audit: AuditLog) -> None:
    async with database.transaction() as connection:
        await audit.record(connection)
    assert await size(database) is None


async def test_the_tree_is_that_of_the_leaves(database: Database, audit: AuditLog) -> None:
    for count in (1, 2, 255, 300, 1):
        await audit.append([entry() for _ in range(count)])
    kept = await leaves(database)
    assert len(kept) == await size(database) == 559
    expected = grown(0, {}, [leaf_hash(leaf) for leaf in kept])
    assert await tiles(database) == expected
    assert root_hash(await tiles(database), 559) == root_hash(expected, 559)


async def test_an_entry_counts_once_however_often_it_is_told(audit: AuditLog, recorded: Recorded) -> None:
    told = [entry() for _ in range(5)]
    first = await audit.append([*told[:3], told[0]])
    again = await audit.append(told)
    assert (first.appended, first.known_before) == (3, 1)
    assert (again.appended, again.known_before) == (2, 3)
    assert await recorded() == told


async def test_of_two_entries_with_one_id_in_a_batch_the_first_stays_and_the_other_is_told_of(
    audit: AuditLog, recorded: Recorded
) -> None:
    first, known = entry(), entry()
    await audit.append([known])
    lies = [each.model_copy(update={"resource": "file:other"}) for each in (first, known)]
    receipt = await audit.append([first, known, *lies, first])
    assert (receipt.appended, receipt.known_before) == (1, 4)
    *told, contradicted = await recorded()
    assert told == [known, first]
    assert (contradicted.action, contradicted.code) == ("audit.contradict", "entry_contradicted")
    assert contradicted.detail["entries"] == 2


async def test_two_nodes_that_are_told_the_same_append_it_once(
    postgres: PostgresSettings, database: Database, audit: AuditLog, clock: MovableClock
) -> None:
    """The same batches, in opposite orders, at once, beside each node's own deeds."""
    other = Database(postgres, "another node")
    batches = [[entry() for _ in range(20)] for _ in range(10)]
    nodes = (audit, AuditLog(other, clock))
    told = [node.append(batch) for node, order in zip(nodes, (batches, batches[::-1]), strict=True) for batch in order]
    receipts = await asyncio.gather(*told)
    await other.close()
    assert sum(receipt.appended for receipt in receipts) == 200
    kept = await leaves(database)
    assert len(kept) == 200
    assert await tiles(database) == grown(0, {}, [leaf_hash(leaf) for leaf in kept])


async def test_entries_of_several_months_have_their_partitions(audit: AuditLog, recorded: Recorded) -> None:
    moments = [1_577_836_800_000, 1_580_515_199_999, 1_580_515_200_000, 1_700_000_000_000]
    told = [entry(new_entry_id(moment)) for moment in moments]
    await audit.append(told)
    await audit.append([entry()])
    assert (await recorded())[:4] == told


async def test_entries_of_moments_that_cannot_be_are_refused(
    audit: AuditLog, recorded: Recorded, clock: MovableClock
) -> None:
    early, late = EARLIEST - timedelta(milliseconds=1), clock() + timedelta(days=1, seconds=1)
    wrong = [new_entry_id(int(moment.timestamp() * 1000)) for moment in (early, late)]
    for entry_id in (*wrong, uuid4()):
        with pytest.raises(InvalidFields) as refused:
            await audit.append([entry(), entry(entry_id)])
        assert [problem.field for problem in refused.value.errors] == ["body.entries.1.entry_id"]
    assert await recorded() == []


async def test_a_tree_that_somebody_cut_is_not_gone_on_with(database: Database, audit: AuditLog) -> None:
    await audit.append([entry() for _ in range(3)])
    for statement in (audit_tiles.update().values(hashes=b"short"), audit_tiles.delete()):
        async with database.transaction() as connection:
            await connection.execute(statement)
        with pytest.raises(AuditLogDamaged):
            await audit.append([entry()])
    assert await size(database) == 3
