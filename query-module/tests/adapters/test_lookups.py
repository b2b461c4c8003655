"""Look-ups by id share their round trips, and fail apart."""

import asyncio

import pytest

from artstore_kit.contracts.errors import IndexUnavailable
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.testing.application import free_port
from artstore_kit.testing.databases import settings_for
from artstore_kit.testing.documents import document
from query_module.adapters.entries import put_entries
from query_module.adapters.lookups import LookUps
from query_module.adapters.reads import Reads, Row
from query_module.domain.entry import entry_of


@pytest.fixture
def statements(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    fetch = reads.fetch

    async def seen_too(statement: str, *values: object) -> list[Row]:
        seen.append(statement)
        return await fetch(statement, *values)

    monkeypatch.setattr(reads, "fetch", seen_too)
    return seen


async def test_those_who_come_together_are_answered_together(
    index: Database, reads: Reads, statements: list[str]
) -> None:
    documents = [document(f"{number}.txt", number=number) for number in range(50)]
    async with index.transaction() as connection:
        await put_entries(connection, "edit-1", 1, [entry_of(each, 1) for each in documents])
    look_ups = LookUps(reads)
    wanted = [*(each.file_id for each in documents), documents[0].file_id, new_file_id()]
    found = await asyncio.gather(*(look_ups.find(file_id) for file_id in wanted))
    assert [known and known.file_id for known in found] == [*wanted[:-1], None]
    assert len(statements) == 1
    assert found[0] is not None
    assert found[0].attributes.encode() == documents[0].to_json()


async def test_one_who_gives_up_does_not_disturb_the_others(reads: Reads) -> None:
    look_ups, file_id = LookUps(reads), new_file_id()
    first, second = (asyncio.create_task(look_ups.find(file_id)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is None
    assert await look_ups.find(file_id) is None


async def test_a_defect_is_raised_to_each(reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> list[Row]:
        raise ZeroDivisionError

    monkeypatch.setattr(reads, "fetch", fail)
    look_ups = LookUps(reads)
    answers = await asyncio.gather(*(look_ups.find(new_file_id()) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 3


async def test_an_index_that_cannot_be_read_is_said_to_each() -> None:
    reads = Reads(settings_for(f"postgresql://nobody@127.0.0.1:{free_port()}/none"))
    look_ups = LookUps(reads)
    answers = await asyncio.gather(*(look_ups.find(new_file_id()) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [IndexUnavailable] * 3
    await look_ups.close()
    await reads.close()


async def test_closing_ends_what_is_under_way(reads: Reads) -> None:
    look_ups = LookUps(reads)
    waiting = asyncio.create_task(look_ups.find(new_file_id()))
    await asyncio.sleep(0)
    await look_ups.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
