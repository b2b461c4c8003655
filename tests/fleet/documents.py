"""Documents for the journeys, each with a word that no other has."""

import hashlib
import random
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from artstore import ArtStore
from artstore_kit.contracts.files import FileAttributes, SearchHit
from artstore_kit.testing.patience import eventually

KIB = 2**10
MIB = 2**20
FINDABLE_WITHIN_S = 1.0
LARGEST_FILE_BYTES = 8 * MIB
REFUSED_MEDIA_TYPE = "application/x-msdownload"
"""These two the ingester of the journeys is told."""


def unique_word() -> str:
    """Letters alone, so that it is one word to the search."""
    return "".join(random.choices(string.ascii_lowercase, k=14))


@dataclass(frozen=True)
class Document:
    """Content and what its sender says of it."""

    content: bytes = field(repr=False)
    word: str = field(default_factory=unique_word)
    collection: str = "default"
    retention: str = "temporary"

    @classmethod
    def of_size(cls, size_bytes: int, collection: str = "default", retention: str = "temporary") -> "Document":
        """Random bytes."""
        return cls(secrets.token_bytes(size_bytes), collection=collection, retention=retention)

    @property
    def name(self) -> str:
        """The word and an ending."""
        return f"{self.word}.bin"

    @property
    def sha256(self) -> str:
        """The digest that must come back."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def attributes(self) -> dict[str, Any]:
        """As `Wire.upload` takes them."""
        return {"name": self.name, "collection": self.collection, "retention": {"kind": self.retention}}

    async def put(self, store: ArtStore, idempotency_key: str = "") -> FileAttributes:
        """Hand it in by the SDK."""
        return await store.put(
            self.content,
            name=self.name,
            collection=self.collection,
            retention=self.retention,
            idempotency_key=idempotency_key,
        )


async def hits(store: ArtStore, text: str = "", *, collection: str = "", tags: Sequence[str] = ()) -> list[SearchHit]:
    """Everything that a search finds."""
    return [hit async for hit in store.search(text, collection=collection, tags=tags)]


async def names(store: ArtStore, text: str = "", *, collection: str = "", tags: Sequence[str] = ()) -> list[str]:
    """The names of what a search finds, in alphabetical order."""
    return sorted(hit.file.content.name for hit in await hits(store, text, collection=collection, tags=tags))


async def until_found(store: ArtStore, text: str, name: str, within_s: float = FINDABLE_WITHIN_S) -> None:
    """Return as soon as `text` finds the document called `name` alone."""

    async def is_found() -> bool:
        return await names(store, text) == [name]

    await eventually(is_found, within_s)


async def until_gone(store: ArtStore, text: str, within_s: float = FINDABLE_WITHIN_S) -> None:
    """Return as soon as `text` finds nothing."""

    async def is_gone() -> bool:
        return await names(store, text) == []

    await eventually(is_gone, within_s)


async def downloaded(store: ArtStore, file_id: object) -> bytes:
    """The whole content, as the SDK gives it."""
    async with store.open(str(file_id)) as stream:
        return b"".join([chunk async for chunk in stream])
