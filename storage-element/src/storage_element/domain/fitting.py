"""Whether attr.json will have room for what a sender says of a file, mostly without writing it."""

from artstore_kit.contracts.errors import AttributesTooLarge
from artstore_kit.contracts.files import ATTRIBUTES_LIMIT_BYTES, FileAttributes, UploadAttributes

FRAME_BYTES = 1100
"""All keys, digests, numbers and moments at their longest, without texts, holds and metadata."""
CHARACTER_BYTES = 6
"""The most that JSON makes of a character: `\\u001f`."""
BETWEEN_BYTES = 3
"""Quotes and comma of a tag."""


def must_fit(file: FileAttributes) -> None:
    """Raise when attr.json would be too large; `file` carries a stamp that is as long as it can become."""
    size = len(file.to_json())
    if size > ATTRIBUTES_LIMIT_BYTES:
        raise AttributesTooLarge(f"attr.json would have {size} bytes; {ATTRIBUTES_LIMIT_BYTES} are allowed.")


def surely_fits(given: UploadAttributes, *others: str) -> bool:
    """Whether even the longest file with these attributes has room. `others` are texts that the sender did not give.

    False says nothing: then it has to be written out. Nearly all files are far below the limit.
    """
    retention = given.retention
    if given.holds or given.metadata or retention.model_extra:
        return False
    texts = (given.name, given.media_type, given.collection, given.description, retention.policy, *given.tags, *others)
    size = FRAME_BYTES + BETWEEN_BYTES * len(given.tags) + CHARACTER_BYTES * sum(map(len, texts))
    return size <= ATTRIBUTES_LIMIT_BYTES
