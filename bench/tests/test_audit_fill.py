"""The loader of the audit log makes what the service would make."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import sqlalchemy as sa

from admin_module.adapters.audit import read_tiles
from admin_module.adapters.tables.audit import audit_entries, audit_head
from admin_module.domain.audit import leaf_of
from admin_module.domain.merkle import grown, leaf_hash, root_hash, tiles_of
from admin_module.services.audit import AuditLog
from artstore_kit.contracts.audit import AuditBatch
from artstore_kit.postgres import Database
from bench.audit_fill import Rows, batches, entry_of, fill

NOW = datetime(2026, 5, 1, tzinfo=UTC)
COUNT = 3000


@pytest.fixture(scope="session")
def service_package() -> str:
    return "admin_module"


@pytest.fixture
async def root(database: Database) -> AsyncIterator[bytes]:
    """Of a log that the loader has filled."""
    await fill(database, COUNT, with_rows=True, tell=lambda _: None)
    async with database.connect() as connection:
        yield root_hash(await read_tiles(connection, tiles_of([(0, COUNT)])), COUNT)


def test_a_row_has_the_bytes_of_the_service() -> None:
    for index in (0, 1, 2999):
        row = Rows(NOW, COUNT).row(index)
        assert row.leaf == leaf_of(index, NOW, entry_of(row.entry_id, row.actor, row.resource))


async def test_the_tree_is_that_of_the_rows(database: Database, root: bytes) -> None:
    async with database.connect() as connection:
        leaves = (await connection.scalars(sa.select(audit_entries.c.leaf).order_by(audit_entries.c.index))).all()
        assert await connection.scalar(sa.select(audit_head.c.size)) == len(leaves) == COUNT
    assert root == root_hash(grown(0, {}, [leaf_hash(leaf) for leaf in leaves]), COUNT)


async def test_the_service_goes_on_from_there(database: Database, root: bytes) -> None:
    batch = AuditBatch.model_validate(json.loads(next(batches(10))))
    receipt = await AuditLog(database, lambda: datetime.now(UTC)).append(batch.entries)
    assert (receipt.appended, receipt.known_before) == (10, 0)
    await fill(database, COUNT + 5000, with_rows=False, tell=lambda _: None)
    async with database.connect() as connection:
        assert await connection.scalar(sa.select(audit_head.c.size)) == COUNT + 5000
        tiles = await read_tiles(connection, tiles_of([(0, COUNT)]))
    assert root_hash(tiles, COUNT) == root != sha256().digest()
