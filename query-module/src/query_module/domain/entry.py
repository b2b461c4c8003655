"""A file as the search index keeps it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from artstore_kit.contracts.files import FileAttributes
from query_module.domain.words import indexed

LARGEST_SIZE = 2**63 - 1


@dataclass(frozen=True)
class Entry:
    """One row: what is filtered by, what is answered, and the words of each weight."""

    file_id: UUID
    lsn: int
    revision: int
    collection: str
    name: str
    media_type: str
    size: int
    uploaded_by: str
    uploaded_at: datetime
    tags: tuple[str, ...]
    attributes: str
    title_words: str
    description_words: str
    metadata_words: str


def entry_of(attributes: FileAttributes, lsn: int) -> Entry:
    """What the index keeps of a file. It never refuses: one odd file must not keep all later ones from being found."""
    content = attributes.content
    return Entry(
        file_id=attributes.file_id,
        lsn=lsn,
        revision=attributes.revision,
        collection=attributes.collection,
        name=content.name,
        media_type=content.media_type.lower(),
        size=min(content.size, LARGEST_SIZE),
        uploaded_by=attributes.uploaded_by.replace("\0", ""),
        uploaded_at=attributes.uploaded_at,
        tags=tuple(attributes.tags),
        attributes=attributes.to_json().decode(),
        title_words=indexed(" ".join([content.name, *attributes.tags])),
        description_words=indexed(attributes.description),
        metadata_words=indexed(" ".join(_scalars(attributes.metadata))),
    )


def _scalars(value: JsonValue) -> Iterator[str]:
    """All keys, texts and numbers inside a JSON value, in order."""
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from _scalars(inner)
        case list():
            for inner in value:
                yield from _scalars(inner)
        case bool() | None:
            return
        case _:
            yield str(value)
