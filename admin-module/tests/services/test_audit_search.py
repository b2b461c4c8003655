"""Long reads go on in parts, and say when they meet something that was not written."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.audit import audit_entries, audit_tiles
from admin_module.domain.audit_filters import Filters
from admin_module.services.audit import AuditLog
from admin_module.services.audit_proofs import AuditProofs
from admin_module.services.audit_search import AuditSearch
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.contracts.errors import AuditLogDamaged, CheckpointPending
from artstore_kit.postgres import Database
from artstore_kit.testing.clock import MovableClock


def entries(count: int, clock: MovableClock) -> list[AuditEntry]:
    start_ms = int(clock().timestamp() * 1000)
    return [
        AuditEntry(entry_id=new_entry_id(start_ms - number), service="s", action="file.read") for number in range(count)
    ]


@pytest.fixture
def search(database: Database) -> AuditSearch:
    return AuditSearch(database)


async def test_an_export_of_many_has_each_once_oldest_first(
    audit: AuditLog, search: AuditSearch, clock: MovableClock
) -> None:
    told = entries(2500, clock)
    for start in range(0, len(told), 1000):
        await audit.append(told[start : start + 1000])
    parts = [part async for part in search.all(Filters())]
    assert [len(part) for part in parts] == [1000, 1000, 500]
    assert [record.entry for part in parts for record in part] == told[::-1]


async def test_an_export_that_ends_with_a_full_part(audit: AuditLog, search: AuditSearch, clock: MovableClock) -> None:
    await audit.append(entries(1000, clock))
    assert [len(part) async for part in search.all(Filters())] == [1000]
    assert [part async for part in search.all(Filters(until=clock() - timedelta(days=1)))] == []


async def test_leaves_of_an_empty_log(search: AuditSearch) -> None:
    assert [part async for part in search.leaves(0, None)] == []


async def test_a_leaf_that_is_none_is_told(
    database: Database, audit: AuditLog, search: AuditSearch, clock: MovableClock
) -> None:
    await audit.append(entries(1, clock))
    async with database.transaction() as connection:
        await connection.execute(audit_entries.update().values(leaf=b"{}"))
    with pytest.raises(AuditLogDamaged):
        await search.page(Filters(), None, 10)


async def test_a_gap_without_its_hash_is_told(
    database: Database, audit: AuditLog, search: AuditSearch, clock: MovableClock
) -> None:
    await audit.append(entries(3, clock))
    async with database.transaction() as connection:
        await connection.execute(audit_entries.delete().where(audit_entries.c.index == 1))
        await connection.execute(sa.delete(audit_tiles))
    with pytest.raises(AuditLogDamaged):
        await anext(search.leaves(0, None))
    with pytest.raises(AuditLogDamaged):
        await AuditProofs(database).inclusion_at(1, 3)


async def test_before_the_first_checkpoint_there_is_nothing_to_prove(
    database: Database, audit: AuditLog, clock: MovableClock
) -> None:
    (entry,) = entries(1, clock)
    await audit.append([entry])
    for index in (0, 1):
        with pytest.raises(CheckpointPending):
            await AuditProofs(database).inclusion_at(index, None)
    assert (await AuditProofs(database).inclusion_of(entry.entry_id, 1)).hashes == []
