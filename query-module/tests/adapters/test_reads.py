"""Reading the index while PostgreSQL restarts, is slow, or is away."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from artstore_kit.contracts.errors import IndexUnavailable
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.application import free_port
from artstore_kit.testing.databases import settings_for
from query_module.adapters.reads import PARAMETERS, Reads

END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()"
)
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
NAME = PARAMETERS["application_name"]


@pytest.fixture
async def hasty(postgres: PostgresSettings) -> AsyncIterator[Reads]:
    """With one connection, and no patience."""
    limits = {"pool_size": 1, "connect_timeout_s": 0.3, "statement_timeout_s": 0.5}
    reads = Reads(postgres.model_copy(update=limits))
    yield reads
    await reads.close()


async def test_connections_that_the_server_has_ended_are_replaced_unnoticed(reads: Reads) -> None:
    await asyncio.gather(*(reads.fetch("SELECT pg_sleep(0.05)") for _ in range(4)))
    await reads.fetch(END_ALL, NAME)
    await asyncio.sleep(0.1)
    answers = await asyncio.gather(*(reads.fetch("SELECT 1") for _ in range(8)))
    assert [row[0] for [row] in answers] == [1] * 8


async def test_a_connection_that_has_just_heard_the_servers_farewell_is_unavailable_at_worst(
    reads: Reads, postgres: PostgresSettings
) -> None:
    """Between the farewell and the end of the connection asyncpg calls its own state impossible."""
    server = await asyncpg.connect(postgres.url)
    answers: list[object] = []
    for _ in range(20):
        await asyncio.gather(*(reads.fetch("SELECT pg_sleep(0.01)") for _ in range(4)), return_exceptions=True)
        ending = asyncio.create_task(server.execute(END_ALL.replace("$1", f"'{NAME}'")))
        while not ending.done():
            answers += await asyncio.gather(*(reads.fetch("SELECT 1") for _ in range(4)), return_exceptions=True)
    await server.close()
    assert {type(answer) for answer in answers} <= {list, IndexUnavailable}


async def test_one_that_ends_within_a_statement_is_unavailable_and_the_next_is_answered(reads: Reads) -> None:
    asleep = asyncio.create_task(reads.fetch("SELECT pg_sleep(5)"))
    await asyncio.sleep(0.2)
    await reads.fetch(END_ALL, NAME)
    with pytest.raises(IndexUnavailable):
        await asleep
    assert await reads.fetch("SELECT 1")


async def test_a_statement_that_takes_too_long_is_unavailable(hasty: Reads) -> None:
    with pytest.raises(IndexUnavailable):
        await hasty.fetch("SELECT pg_sleep(5)")
    assert await hasty.fetch("SELECT 1")


async def test_no_connection_to_be_had_is_unavailable(hasty: Reads) -> None:
    asleep = asyncio.create_task(hasty.fetch("SELECT pg_sleep(0.45)"))
    await asyncio.sleep(0.05)
    with pytest.raises(IndexUnavailable):
        await hasty.fetch("SELECT 1")
    await asleep


async def test_one_who_gives_up_leaves_the_connection_to_others(hasty: Reads) -> None:
    asleep = asyncio.create_task(hasty.fetch("SELECT pg_sleep(0.4)"))
    await asyncio.sleep(0.05)
    asleep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asleep
    [[connections]] = await hasty.fetch(CONNECTIONS, NAME)
    assert connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
async def test_a_server_that_is_away_is_unavailable(host: str) -> None:
    reads = Reads(settings_for(f"postgresql://nobody@{host}:{free_port()}/none"))
    with pytest.raises(IndexUnavailable):
        await reads.fetch("SELECT 1")
    await reads.close()


async def test_a_database_that_is_not_there_is_unavailable(postgres: PostgresSettings) -> None:
    reads = Reads(postgres.model_copy(update={"url": f"{postgres.url}_not"}))
    with pytest.raises(IndexUnavailable):
        await reads.fetch("SELECT 1")
    await reads.close()


async def test_a_wrong_statement_is_a_defect_and_says_so(reads: Reads) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await reads.fetch("SELECT * FROM nothing")


async def test_rare_words_are_planned_for(reads: Reads) -> None:
    [[mode]] = await reads.fetch("SHOW plan_cache_mode")
    assert mode == "force_custom_plan"
