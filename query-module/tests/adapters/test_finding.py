"""What is found, and in which order."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.postgres import Database
from artstore_kit.testing.documents import BEGINNING, document
from query_module.adapters.entries import put_entries
from query_module.adapters.finding import find_newest, find_ranked
from query_module.adapters.reads import Reads
from query_module.domain.criteria import Criteria
from query_module.domain.entry import entry_of
from query_module.domain.question import to_tsquery
from query_module.domain.rights import Readable

type Names = list[str]
ANY = Criteria()


type Put = Callable[..., Awaitable[None]]


@pytest.fixture
def put(index: Database) -> Put:
    async def put(*documents: FileAttributes) -> None:
        entries = [entry_of(each, lsn) for lsn, each in enumerate(documents, 1)]
        async with index.transaction() as connection:
            await put_entries(connection, "edit-1", 1, entries)

    return put


async def newest(reads: Reads, criteria: Criteria) -> Names:
    return [name(found.attributes) for found in await find_newest(reads, criteria, None, 100)]


async def ranked(reads: Reads, q: str, criteria: Criteria = ANY) -> Names:
    asked = replace(criteria, tsquery=to_tsquery(q))
    return [name(found.attributes) for found in await find_ranked(reads, asked, None, 100)]


def name(attributes: str) -> str:
    return FileAttributes.model_validate_json(attributes).content.name


@pytest.mark.parametrize(
    "q", ["договор", "Договоры", "договорами", "2026", "03", "pdf", "договор_2026-03.pdf", "ДОГОВОР 2026", '"2026 03"']
)
async def test_a_name_is_found_by_its_words_in_any_form(put: Put, reads: Reads, q: str) -> None:
    await put(document("Договор_2026-03.pdf"), document("Смета_2025-01.xls"))
    assert await ranked(reads, q) == ["Договор_2026-03.pdf"]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Contracts 2026.docx", "contract"),
        ("contract.docx", "contracting"),
        ("приёмка.txt", "приемка"),
        ("приемка.txt", "ПРИЁМКИ"),
        ("ivanovContract.pdf", "contract"),
        ("ivanovContract.pdf", "ivanovcontract"),
        ("iPhone.jpg", "iphone"),
        ("iphone.jpg", "iPhone"),
        ("INV2026.pdf", "inv-2026"),
        ("И\u0306од.txt", "йод"),
        ("Договор аренды.pdf", "аренд*"),
        ("IT.txt", "it"),
        ("и или.txt", "и"),
    ],
)
async def test_words_meet_however_they_are_written(put: Put, reads: Reads, written: str, asked: str) -> None:
    await put(document(written), document("прочее.bin"))
    assert await ranked(reads, asked) == [written]


async def test_each_field_is_searched(put: Put, reads: Reads) -> None:
    metadata = {"Контрагент": {"имя": "Ромашка", "числа": [7701234567, True]}}
    await put(document("а.txt", tags=["срочно"], description="Акт сверки за март", metadata=metadata))
    for q in ("срочно", "сверка", "контрагент", "ромашка", "7701234567", "срочно сверка ромашка"):
        assert await ranked(reads, q) == ["а.txt"], q


async def test_a_match_in_the_name_comes_before_one_in_the_description_and_that_before_metadata(
    put: Put,
    reads: Reads,
) -> None:
    await put(
        document("в метаданных", number=3, metadata={"тема": "аренда"}),
        document("в описании", number=2, description="аренда"),
        document("аренда", number=1),
    )
    assert await ranked(reads, "аренда") == ["аренда", "в описании", "в метаданных"]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("договор аренды", {"договор аренды"}),
        ("договор -аренды", {"договор поставки"}),
        ("договор -аренда", {"договор поставки"}),
        ("аренда или поставка", {"договор аренды", "договор поставки"}),
        ("аренда OR счёт", {"договор аренды", "счет"}),
        ('"договор поставки"', {"договор поставки"}),
        ('"поставки договор"', set()),
        ('договор -"договор поставки"', {"договор аренды"}),
        ("договор и аренда", {"договор аренды"}),
        ("нету", set()),
    ],
)
async def test_operators(put: Put, reads: Reads, q: str, names: set[str]) -> None:
    await put(document("договор аренды"), document("договор поставки"), document("счет"))
    assert set(await ranked(reads, q)) == names


FILTERED = [
    document("a.pdf", number=1, collection="hr", media_type="application/pdf", size=10, tags=["x", "y"]),
    document("b.png", number=2, collection="hr/2026", media_type="image/png", size=20, tags=["x"]),
    document("c.jpg", number=3, collection="hr_old", media_type="image/jpeg", size=30, uploaded_by="other"),
]


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        (Criteria(), ["c.jpg", "b.png", "a.pdf"]),
        (Criteria(collection="hr"), ["a.pdf"]),
        (Criteria(collection="hr/*"), ["b.png"]),
        (Criteria(collection="hr*"), ["c.jpg", "b.png", "a.pdf"]),
        (Criteria(collection="h%"), []),
        (Criteria(collection="hr_*"), ["c.jpg"]),
        (Criteria(tags=("x",)), ["b.png", "a.pdf"]),
        (Criteria(tags=("x", "y")), ["a.pdf"]),
        (Criteria(tags=("X",)), []),
        (Criteria(media_type="image/*"), ["c.jpg", "b.png"]),
        (Criteria(media_type="application/pdf"), ["a.pdf"]),
        (Criteria(size_min=20), ["c.jpg", "b.png"]),
        (Criteria(size_max=20), ["b.png", "a.pdf"]),
        (Criteria(size_min=11, size_max=29), ["b.png"]),
        (Criteria(uploaded_after=BEGINNING + timedelta(minutes=1)), ["c.jpg", "b.png"]),
        (Criteria(uploaded_before=BEGINNING + timedelta(minutes=2)), ["a.pdf"]),
        (Criteria(uploaded_by="other"), ["c.jpg"]),
        (Criteria(readable=Readable(frozenset({"hr"}), frozenset())), ["a.pdf"]),
        (Criteria(readable=Readable(frozenset({"hr"}), frozenset({"hr/*"}))), ["b.png", "a.pdf"]),
        (Criteria(readable=Readable(frozenset(), frozenset({"hr_*"}))), ["c.jpg"]),
        (Criteria(readable=Readable(frozenset({"none"}), frozenset())), []),
        (Criteria(readable=Readable(frozenset({"hr"}), frozenset()), collection="hr*"), ["a.pdf"]),
    ],
)
async def test_filters(put: Put, reads: Reads, criteria: Criteria, names: Names) -> None:
    await put(*FILTERED)
    assert await newest(reads, criteria) == names
    by_words = replace(criteria, tsquery=to_tsquery("pdf or png or jpg"))
    assert await newest(reads, by_words) == names
    assert sorted(await ranked(reads, "pdf or png or jpg", criteria)) == sorted(names)


async def test_the_answer_is_the_elements_own_text(put: Put, reads: Reads) -> None:
    file = document(metadata={"z": 1.0, "a": "б", "n": None}, description="строка\n", later={"unknown": [1]})
    await put(file)
    [found] = await find_newest(reads, Criteria(), None, 10)
    assert found.attributes.encode() == file.to_json()
