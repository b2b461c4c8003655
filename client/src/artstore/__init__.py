"""The Python SDK of ArtStore: documents go in, are found, and come out bit for bit."""

from artstore.content import ContentStream
from artstore.proofs import UnusableKey
from artstore.store import ArtStore
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.files import AttributeChanges, FileAttributes, Retention, SearchHit

__all__ = [
    "ArtStore",
    "ArtStoreError",
    "AttributeChanges",
    "ContentStream",
    "FileAttributes",
    "Retention",
    "SearchHit",
    "UnusableKey",
]
