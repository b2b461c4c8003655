"""Counting wrong passwords."""

import asyncio
from datetime import UTC, datetime, timedelta

from admin_module.adapters.administrators import (
    any_administrator,
    count_failure,
    count_success,
    find_administrator,
    insert_administrator,
)
from admin_module.domain.lockout import FAILURES_ALLOWED, LOCKED_FOR, Administrator
from artstore_kit.postgres import Database

NOW = datetime(2026, 5, 1, tzinfo=UTC)


async def add(database: Database) -> None:
    async with database.transaction() as connection:
        await insert_administrator(connection, Administrator("ada", "hash", ["super_admin"]), NOW)


async def fail(database: Database, now: datetime = NOW) -> bool:
    async with database.transaction() as connection:
        return await count_failure(connection, "ada", now)


async def succeed(database: Database, now: datetime = NOW) -> bool:
    async with database.transaction() as connection:
        return await count_success(connection, "ada", now)


async def locked_until(database: Database) -> datetime | None:
    async with database.connect() as connection:
        known = await find_administrator(connection, "ada")
    assert known is not None
    return known.locked_until


async def test_an_empty_table_has_none(database: Database) -> None:
    async with database.connect() as connection:
        assert not await any_administrator(connection)
        assert await find_administrator(connection, "ada") is None


async def test_the_second_of_a_name_changes_nothing(database: Database) -> None:
    await add(database)
    async with database.transaction() as connection:
        await insert_administrator(connection, Administrator("ada", "other", ["super_admin"]), NOW)
        known = await find_administrator(connection, "ada")
    assert known is not None
    assert known.password_hash == "hash"


async def test_the_fifth_failure_locks(database: Database) -> None:
    await add(database)
    assert all([await fail(database) for _ in range(FAILURES_ALLOWED - 1)])
    assert await locked_until(database) is None
    assert await fail(database)
    assert await locked_until(database) == NOW + LOCKED_FOR


async def test_while_locked_nothing_is_counted(database: Database) -> None:
    await add(database)
    assert [await fail(database) for _ in range(FAILURES_ALLOWED + 1)] == [True] * FAILURES_ALLOWED + [False]
    assert not await succeed(database)
    assert await succeed(database, NOW + LOCKED_FOR)
    assert await locked_until(database) is None


async def test_a_success_forgets_earlier_failures(database: Database) -> None:
    await add(database)
    for _ in range(3):
        for _ in range(FAILURES_ALLOWED - 1):
            await fail(database)
        assert await succeed(database)
    assert await locked_until(database) is None


async def test_after_the_lock_counting_starts_anew(database: Database) -> None:
    await add(database)
    for _ in range(FAILURES_ALLOWED):
        await fail(database)
    later = NOW + LOCKED_FOR + timedelta(seconds=1)
    assert await fail(database, later)
    assert await locked_until(database) is None


async def test_failures_in_the_same_moment_are_all_counted(database: Database) -> None:
    await add(database)
    counted = await asyncio.gather(*(fail(database) for _ in range(FAILURES_ALLOWED * 2)))
    assert sum(counted) == FAILURES_ALLOWED
    assert await locked_until(database) == NOW + LOCKED_FOR
