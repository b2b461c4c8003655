"""Counting failures by name."""

import asyncio
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from admin_module.adapters.login_failures import (
    count_failure,
    find_lock,
    forget_failures,
    sweep_failures,
    unlock,
)
from admin_module.adapters.tables.administrators import login_failures
from admin_module.domain.lockout import FAILURES_ALLOWED, FORGOTTEN_AFTER, LOCKED_FOR
from artstore_kit.postgres import Database

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def fail(database: Database, now: datetime = NOW, name: str = "ada") -> bool:
    async with database.transaction() as connection:
        return await count_failure(connection, name, now)


async def succeed(database: Database, now: datetime = NOW) -> bool:
    async with database.transaction() as connection:
        return await forget_failures(connection, "ada", now)


async def locked_until(database: Database, name: str = "ada") -> datetime | None:
    async with database.connect() as connection:
        return await find_lock(connection, name)


async def test_the_fifth_failure_locks(database: Database) -> None:
    assert all([await fail(database) for _ in range(FAILURES_ALLOWED - 1)])
    assert await locked_until(database) is None
    assert await fail(database)
    assert await locked_until(database) == NOW + LOCKED_FOR
    assert await locked_until(database, "grace") is None


async def test_while_locked_nothing_is_counted(database: Database) -> None:
    assert [await fail(database) for _ in range(FAILURES_ALLOWED + 1)] == [True] * FAILURES_ALLOWED + [False]
    assert not await succeed(database)
    assert await succeed(database, NOW + LOCKED_FOR)
    assert await locked_until(database) is None


async def test_a_success_forgets_earlier_failures(database: Database) -> None:
    for _ in range(3):
        for _ in range(FAILURES_ALLOWED - 1):
            await fail(database)
        assert await succeed(database)
    assert await locked_until(database) is None


async def test_after_the_lock_counting_starts_anew(database: Database) -> None:
    for _ in range(FAILURES_ALLOWED):
        await fail(database)
    assert await fail(database, NOW + LOCKED_FOR + SECOND)
    assert await locked_until(database) is None


async def test_failures_far_apart_do_not_count_together(database: Database) -> None:
    for number in range(2 * FAILURES_ALLOWED):
        assert await fail(database, NOW + number * FORGOTTEN_AFTER)
    assert await locked_until(database) is None
    for number in range(1, FAILURES_ALLOWED):
        await fail(database, NOW + (2 * FAILURES_ALLOWED - 1) * FORGOTTEN_AFTER + number * SECOND)
    assert await locked_until(database)


async def test_failures_in_the_same_moment_are_all_counted(database: Database) -> None:
    counted = await asyncio.gather(*(fail(database) for _ in range(FAILURES_ALLOWED * 2)))
    assert sum(counted) == FAILURES_ALLOWED
    assert await locked_until(database) == NOW + LOCKED_FOR


async def test_a_lock_is_taken_away(database: Database) -> None:
    for _ in range(FAILURES_ALLOWED):
        await fail(database)
    async with database.transaction() as connection:
        assert await unlock(connection, "ada")
    assert await fail(database)


async def test_what_no_longer_counts_is_removed_and_no_name_is_kept(database: Database) -> None:
    await fail(database, name="my-password-by-mistake")
    for _ in range(FAILURES_ALLOWED):
        await fail(database, name="locked")
    async with database.transaction() as connection:
        assert "my-password" not in repr((await connection.execute(sa.select(login_failures))).all())
        for moment, left in ((NOW + LOCKED_FOR - SECOND, 2), (NOW + LOCKED_FOR + SECOND, 0)):
            await sweep_failures(connection, moment)
            assert await connection.scalar(sa.select(sa.func.count()).select_from(login_failures)) == left
