"""Which of two accounts of a file is kept."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.testing.documents import document
from query_module.adapters.entries import put_entries, remove_entries, remove_unseen
from query_module.domain.entry import entry_of

FILE = new_file_id()


@pytest.fixture
async def connection(index: Database) -> AsyncIterator[AsyncConnection]:
    async with index.transaction() as connection:
        yield connection


async def put(connection: AsyncConnection, element: str, lsn: int, revision: int, sweep: int = 1) -> None:
    file = document(f"{element} {lsn} {revision} {sweep}", file_id=FILE, revision=revision)
    await put_entries(connection, element, sweep, [entry_of(file, lsn)])


async def kept(connection: AsyncConnection) -> str | None:
    name: str | None = await connection.scalar(sa.text("SELECT name FROM files"))
    return name


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("a", 1, 1), ("a", 2, 2), "a 2 2 1"),
        (("a", 2, 2), ("a", 1, 1), "a 2 2 1"),
        (("a", 5, 5), ("a", 1, 1, 2), "a 1 1 2"),
        (("a", 9, 1), ("b", 1, 1), "b 1 1 1"),
        (("a", 1, 2), ("b", 9, 1), "a 1 2 1"),
        (("a", 9, 1), ("b", 1, 2), "b 1 2 1"),
    ],
    ids=["newer", "older", "history was lost", "moved", "old copy elsewhere", "newer elsewhere"],
)
async def test_the_newest_is_kept(
    connection: AsyncConnection, first: tuple[str, int, int], second: tuple[str, int, int], expected: str
) -> None:
    await put(connection, *first)
    await put(connection, *second)
    assert await kept(connection) == expected


async def test_the_same_again_changes_nothing(connection: AsyncConnection) -> None:
    await put(connection, "a", 1, 1)
    await put(connection, "a", 1, 1)
    assert await kept(connection) == "a 1 1 1"


async def test_an_element_removes_only_its_own(connection: AsyncConnection) -> None:
    await put(connection, "a", 1, 1)
    await put(connection, "b", 1, 1)
    await remove_entries(connection, "a", [FILE])
    assert await kept(connection) == "b 1 1 1"
    await remove_entries(connection, "b", [FILE, new_file_id()])
    assert await kept(connection) is None


async def test_what_a_sweep_has_not_met_is_forgotten(connection: AsyncConnection) -> None:
    await put(connection, "a", 1, 1, sweep=1)
    assert await remove_unseen(connection, "b", 2) == 0
    assert await remove_unseen(connection, "a", 1) == 0
    assert await kept(connection)
    assert await remove_unseen(connection, "a", 2) == 1
    assert await kept(connection) is None


async def test_nothing_to_put(connection: AsyncConnection) -> None:
    await put_entries(connection, "a", 1, [])
    assert await kept(connection) is None
