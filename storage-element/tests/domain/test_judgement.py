"""What is wrong with what lies on an element, judged by name, attributes, size and digest."""

import hashlib

import pytest

from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.documents import document
from storage_element.domain import layout
from storage_element.domain.judgement import Kind, Named, judge_attributes, judge_content, judge_name, named

FILE_ID = new_file_id()


@pytest.mark.parametrize(
    ("name", "means"),
    [
        (f"{FILE_ID}.attr.json", Named(FILE_ID)),
        (f"{FILE_ID}.v1", Named(FILE_ID, 1)),
        (f"{FILE_ID}.v12", Named(FILE_ID, 12)),
        (f"{FILE_ID}.v0", None),
        (f"{FILE_ID}.v01", None),
        (f"{FILE_ID}.v1.part", None),
        (f"{str(FILE_ID).upper()}.v1", None),
        ("00000000-0000-0000-0000-000000000007.v1", None),
        ("Thumbs.db", None),
    ],
)
def test_a_name_says_what_it_is(name: str, means: Named | None) -> None:
    assert named(name) == means


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{FILE_ID}.v1.part", Kind.HALF_NAME),
        (f"{FILE_ID}.v0", Kind.HALF_NAME),
        (f"{FILE_ID}.attr.json~", Kind.HALF_NAME),
        (f"{FILE_ID}-copy.pdf", Kind.FOREIGN),
        (f"{str(FILE_ID).upper()}.v1", Kind.FOREIGN),
        ("Thumbs.db", Kind.FOREIGN),
        (".attr.json", Kind.FOREIGN),
    ],
)
def test_a_name_that_says_nothing_is_half_or_foreign(name: str, kind: Kind) -> None:
    assert judge_name("x", name).kind is kind


def test_attributes_in_their_place_are_sound() -> None:
    file = document()
    judged = judge_attributes(layout.attributes_path(file.file_id), file.file_id, file.to_json())
    assert (judged.file, judged.findings) == (file, [])


def test_attributes_are_judged_by_what_they_say_and_where_they_lie() -> None:
    file, other = document(), document()
    path = layout.attributes_path(file.file_id)
    assert judge_attributes(path, file.file_id, b"").findings[0].kind is Kind.ATTRIBUTES_UNREADABLE
    assert judge_attributes(path, file.file_id, other.to_json()).findings[0].kind is Kind.MISPLACED
    elsewhere = f"files/2020/01/01/00/00/{file.file_id}.attr.json"
    assert judge_attributes(elsewhere, file.file_id, file.to_json()).findings[0].kind is Kind.MISPLACED
    long = document(metadata={"x": "y" * 5000})
    judged = judge_attributes(layout.attributes_path(long.file_id), long.file_id, long.to_json())
    assert [finding.kind for finding in judged.findings] == [Kind.ATTRIBUTES_UNREADABLE]


def test_content_is_judged_by_size_and_digest() -> None:
    content = document(content=b"content").content
    right = hashlib.sha256(b"content").hexdigest()
    assert judge_content("x", content, 7, right) is None
    assert judge_content("x", content, 7) is None
    for size, sha256 in ((6, right), (7, "0" * 64)):
        finding = judge_content("x", content, size, sha256)
        assert finding is not None
        assert finding.kind is Kind.CONTENT_CORRUPT
