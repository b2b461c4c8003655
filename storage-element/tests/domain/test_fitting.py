"""What surely fits must fit."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from artstore_kit.contracts.errors import AttributesTooLarge
from artstore_kit.contracts.files import (
    ATTRIBUTES_LIMIT_BYTES,
    Content,
    ElementStamp,
    FileAttributes,
    Hold,
    Retention,
    RetentionKind,
    UploadAttributes,
)
from storage_element.domain.fitting import must_fit, surely_fits

LATEST = datetime.max.replace(tzinfo=UTC)
LARGEST = 2**63 - 1
LONG_RETENTION = Retention(
    policy="\N{OLD ITALIC LETTER A}" * 64, kind=RetentionKind.TEMPORARY, expires_at=LATEST, retain_until=LATEST
)
BY, ELEMENT = "\x1f" * 64, "e" * 32


def longest(given: UploadAttributes) -> FileAttributes:
    """With these attributes no file's attr.json is longer."""
    content = Content(
        name=given.name,
        media_type=given.media_type,
        size=LARGEST,
        sha256="0" * 64,
        version=LARGEST,
        stored_size=LARGEST,
        stored_sha256="0" * 64,
    )
    return FileAttributes(
        schema=1,
        file_id=UUID(int=2**128 - 1),
        revision=LARGEST,
        content=content,
        uploaded_by=BY,
        uploaded_at=LATEST,
        collection=given.collection,
        retention=given.retention,
        holds=given.holds,
        description=given.description,
        tags=given.tags,
        metadata=given.metadata,
        element=ElementStamp(id=ELEMENT, epoch=LARGEST, lsn=LARGEST),
    )


@pytest.mark.parametrize("letter", ["a", "я", "漢", "\N{OLD ITALIC LETTER A}", '"'])
@pytest.mark.parametrize("tags", [0, 64])
def test_the_longest_text_that_surely_fits_does_fit(letter: str, tags: int) -> None:
    lengths = []
    for length in range(3000):
        given = UploadAttributes(
            name="n", description=letter * length, tags=["t"] * tags, retention=LONG_RETENTION, collection="c" * 128
        )
        if not surely_fits(given, BY, ELEMENT):
            break
        lengths.append(length)
    assert len(longest(UploadAttributes.model_copy(given, update={"description": letter * lengths[-1]})).to_json()) <= (
        ATTRIBUTES_LIMIT_BYTES
    )
    assert len(lengths) > 50


def test_newlines_and_tabs_take_two_bytes() -> None:
    given = UploadAttributes(name="n", description="\n\t\r" * 20)
    assert surely_fits(given, BY, ELEMENT)
    must_fit(longest(given))


@pytest.mark.parametrize(
    "given",
    [
        UploadAttributes(name="x", metadata={"number": 1e15}),
        UploadAttributes(name="x", holds=[Hold(id="case")]),
        UploadAttributes(name="x", description="я" * 3000),
    ],
)
def test_what_can_be_longer_than_its_letters_is_written_out(given: UploadAttributes) -> None:
    assert not surely_fits(given, BY, ELEMENT)


def test_an_ordinary_file_surely_fits() -> None:
    assert surely_fits(UploadAttributes(name="report.pdf", description="of the year", tags=["a", "b"]), "me", "edit-1")


def test_too_much_is_refused_with_its_size() -> None:
    with pytest.raises(AttributesTooLarge, match=r"attr\.json would have \d{4} bytes; 4096 are allowed"):
        must_fit(longest(UploadAttributes(name="x", description="я" * 3000)))
