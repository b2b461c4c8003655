"""Administrators in the database."""

from dataclasses import replace
from datetime import UTC, datetime

from admin_module.adapters.administrators import (
    any_administrator,
    find_administrator,
    insert_administrator,
    set_password,
)
from admin_module.domain.administrators import Administrator
from artstore_kit.postgres import Database

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ADA = Administrator("ada", "hash", ("super_admin",), "Ada Lovelace", "ada@example.org")


async def add(database: Database, administrator: Administrator = ADA) -> bool:
    async with database.transaction() as connection:
        return await insert_administrator(connection, administrator, NOW)


async def found(database: Database) -> Administrator | None:
    async with database.connect() as connection:
        return await find_administrator(connection, "ada")


async def test_an_empty_table_has_none(database: Database) -> None:
    async with database.connect() as connection:
        assert not await any_administrator(connection)
    assert await found(database) is None


async def test_what_was_added_is_found(database: Database) -> None:
    assert await add(database)
    assert await found(database) == ADA


async def test_the_second_of_a_name_changes_nothing(database: Database) -> None:
    await add(database)
    assert not await add(database, replace(ADA, password_hash="other"))
    assert await found(database) == ADA


async def test_a_password_is_replaced_by_whoever_knows_the_one_that_is(database: Database) -> None:
    await add(database)
    async with database.transaction() as connection:
        assert await set_password(connection, ADA, "new", must_change=True)
        assert not await set_password(connection, ADA, "newer", must_change=False)
    assert await found(database) == replace(ADA, password_hash="new", must_change_password=True)
