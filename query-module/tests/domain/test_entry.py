"""What the index keeps of a file."""

from artstore_kit.testing.documents import document
from query_module.domain.entry import LARGEST_SIZE, entry_of


def test_words_by_weight() -> None:
    file = document(
        "Акт_7.pdf",
        tags=["Срочно", "для бухгалтерии"],
        description="Сверка\nрасчётов",
        metadata={"ИНН": 7701, "стороны": [{"имя": "ООО «Ромашка»"}, None, True, 1.5]},
    )
    entry = entry_of(file, lsn=3)
    assert entry.title_words == "акт 7 pdf срочно для бухгалтерии"
    assert entry.description_words == "сверка расчетов"
    assert entry.metadata_words == "инн 7701 стороны имя ооо ромашка 1 5"


def test_what_is_filtered_by() -> None:
    file = document("a", media_type="Image/PNG", size=7, tags=["b", "a"], revision=4, collection="hr/2026")
    entry = entry_of(file, lsn=9)
    assert (entry.lsn, entry.revision, entry.collection) == (9, 4, "hr/2026")
    assert (entry.media_type, entry.size, entry.tags) == ("image/png", 7, ("b", "a"))
    assert entry.attributes.encode() == file.to_json()


def test_an_odd_file_is_kept_all_the_same() -> None:
    entry = entry_of(document(size=2**80, uploaded_by="a\0b", odd="\0"), lsn=1)
    assert (entry.size, entry.uploaded_by) == (LARGEST_SIZE, "ab")
