"""What is remembered of a request with an `Idempotency-Key`, so that its repetition makes no second file."""

import hashlib
from uuid import UUID

from pydantic import BaseModel

from artstore_kit.contracts.errors import ArtStoreError, NoElementAvailable
from artstore_kit.contracts.files import UploadAttributes


class Record(BaseModel):
    """A request that was begun; with `answer` it is done."""

    fingerprint: str
    file_id: UUID
    element_id: str
    """Where the file was last tried: only there it may be."""
    answer: str | None = None


def fingerprint(attributes: UploadAttributes, size_bytes: int | None, sha256: bytes | None) -> str:
    """What makes two requests the same: attributes, and what is known of the content before it is read."""
    told = f"{attributes.model_dump_json()}\n{size_bytes}\n{sha256.hex() if sha256 else ''}"
    return hashlib.sha256(told.encode()).hexdigest()


def record_name(client: str, key: str) -> str:
    """A name of fixed length for a key, which is unique for a client only."""
    return hashlib.sha256(f"{client}\n{key}".encode()).hexdigest()


def nothing_was_stored(error: ArtStoreError) -> bool:
    """Whether a new request that ended so can be forgotten: its key may then be used for a corrected one."""
    return error.status < 500 or isinstance(error, NoElementAvailable)
