"""Walks through pages: each file exactly once, whatever arrives meanwhile."""

import pytest

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.postgres import Database
from artstore_kit.testing.documents import document
from query_module.adapters import finding
from query_module.adapters.entries import put_entries
from query_module.adapters.finding import Found, find_newest, find_ranked
from query_module.adapters.reads import Reads
from query_module.domain.criteria import Criteria
from query_module.domain.entry import entry_of
from query_module.domain.place import Moment, Ranked, cursor_of, moment_at, ranked_at
from query_module.domain.question import to_tsquery

WORDS = Criteria(tsquery=to_tsquery("договор"))


def some(first: int, count: int) -> list[FileAttributes]:
    """Documents of which several share a moment, and of which many have the same weight."""
    weights = ["договор", "договор аренды", "прочее договор договор"]
    return [document(weights[number % 3], number=number // 4) for number in range(first, first + count)]


async def put(index: Database, documents: list[FileAttributes]) -> set[str]:
    async with index.transaction() as connection:
        await put_entries(connection, "edit-1", 1, [entry_of(each, 1) for each in documents])
    return {str(each.file_id) for each in documents}


def id_of(found: Found) -> str:
    return str(FileAttributes.model_validate_json(found.attributes).file_id)


async def by_newest(reads: Reads, cursor: str | None, limit: int) -> list[Found]:
    return await find_newest(reads, WORDS, moment_at(cursor) if cursor else None, limit)


async def by_rank(reads: Reads, cursor: str | None, limit: int) -> list[Found]:
    return await find_ranked(reads, WORDS, ranked_at(cursor) if cursor else None, limit)


@pytest.mark.parametrize("page_of", [by_newest, by_rank])
async def test_every_file_once_while_others_arrive(index: Database, reads: Reads, page_of: object) -> None:
    assert callable(page_of)
    here = await put(index, some(100, 100))
    arriving, walked, cursor = [some(n, 5) for n in range(0, 400, 20)], list[str](), None
    while page := await page_of(reads, cursor, 7):
        walked += map(id_of, page)
        cursor = cursor_of(page[-1].place)
        if arriving:
            await put(index, arriving.pop())
    assert len(walked) == len(set(walked))
    assert here <= set(walked)


async def test_newest_first_in_order(index: Database, reads: Reads) -> None:
    await put(index, some(0, 50))
    places = [found.place for found in await by_newest(reads, None, 100)]
    keys = [(place.uploaded_at, place.file_id) for place in places if isinstance(place, Moment)]
    assert keys == sorted(keys, reverse=True)
    assert len(keys) == 50


async def test_heaviest_first_in_order(index: Database, reads: Reads) -> None:
    await put(index, some(0, 50))
    places = [found.place for found in await by_rank(reads, None, 100)]
    keys = [(place.score, place.file_id) for place in places if isinstance(place, Ranked)]
    assert keys == sorted(keys, reverse=True)
    assert len({score for score, _ in keys}) > 1
    assert all(0 < score < 1 for score, _ in keys)


async def test_what_arrives_does_not_push_out_what_was_to_come(
    index: Database, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_RANKED", 20)
    here = await put(index, some(0, 40))
    first = await by_rank(reads, None, 5)
    newest = {id_of(found) for found in await by_newest(reads, None, 20)}
    await put(index, some(100, 15))
    walked, page = [id_of(found) for found in first], first
    while page := await by_rank(reads, cursor_of(page[-1].place), 5):
        walked += map(id_of, page)
    assert len(walked) == len(set(walked))
    assert newest <= set(walked)
    assert set(walked) & here == newest
