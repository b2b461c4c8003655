"""One node follows an element at a time."""

import sqlalchemy as sa

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from query_module.adapters.claims import Claims

KILL_OTHERS = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'node'")


async def test_a_claim_is_held_by_one(index: Database) -> None:
    one, two = Claims(index), Claims(index)
    try:
        assert await one.hold("edit-1")
        assert await one.hold("edit-1")
        assert not await two.hold("edit-1")
        assert await two.hold("rw-1")
        await one.release("edit-1")
        assert await two.hold("edit-1")
    finally:
        await one.close()
        await two.close()


async def test_closing_gives_all_claims_up(index: Database) -> None:
    one, two = Claims(index), Claims(index)
    for element_id in ("edit-1", "rw-1"):
        assert await one.hold(element_id)
    await one.close()
    for element_id in ("edit-1", "rw-1"):
        assert await two.hold(element_id)
    await two.close()


async def test_a_lost_connection_loses_the_claims_and_another_node_takes_over(
    index: Database, postgres: PostgresSettings
) -> None:
    node = Database(postgres, "node")
    one, two = Claims(node), Claims(index)
    assert await one.hold("edit-1")
    async with index.connect() as connection:
        await connection.execute(KILL_OTHERS)
    assert await two.hold("edit-1")
    try:
        assert not await one.hold("edit-1")
    except DatabaseUnavailable:
        assert not await one.hold("edit-1")
    await two.release("edit-1")
    assert await one.hold("edit-1")
    for closing in (one.close, two.close, node.close):
        await closing()
