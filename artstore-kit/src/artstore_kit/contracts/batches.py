"""Many small files in one request, `PUT /api/v1/files`: what the ingester sends and what an element answers.

Both bodies are parts one after another; all integers are little-endian.

- request part: size of the description (u32), size of the content (u32), `BatchedFile` as JSON, the content;
- answer part, in the same order: status (u32), size (u32), `FileAttributes` or `Problem` as JSON.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from artstore_kit.contracts.audit import ACTING_FOR_LIMIT
from artstore_kit.contracts.errors import BadRequest
from artstore_kit.contracts.files import SHA256_PATTERN, PlainText, UploadAttributes

MEDIA_TYPE = "application/vnd.artstore.batch"
MOST_FILES = 64
MOST_BYTES = 32 * 1024 * 1024
_SIZES = struct.Struct("<II")


class BatchedFile(BaseModel):
    """One file of a batch, as the headers of a single `PUT` would say it."""

    model_config = ConfigDict(extra="forbid")

    file_id: UUID
    acting_for: Annotated[PlainText, Field(min_length=1, max_length=ACTING_FOR_LIMIT)]
    request_id: Annotated[PlainText, Field(max_length=128, description="of whoever brought the file")] = ""
    address: Annotated[PlainText, Field(max_length=64, description="from where they sent it")] = ""
    sha256: str = Field(pattern=SHA256_PATTERN)
    attributes: UploadAttributes


def request_part(description: bytes, content: bytes) -> bytes:
    """One file of a request's body."""
    return b"".join((_SIZES.pack(len(description), len(content)), description, content))


def requested(body: bytes) -> list[tuple[BatchedFile, bytes]]:
    """The files of a request's body; `BadRequest` when it cannot be read, or holds too many."""
    try:
        parts = islice(_parts(body), MOST_FILES + 1)
        files = [(BatchedFile.model_validate_json(text), content) for text, content in parts]
    except (struct.error, ValidationError) as error:
        raise BadRequest(f"The batch cannot be read: {str(error).splitlines()[0]}.") from None
    if not 0 < len(files) <= MOST_FILES:
        raise BadRequest(f"A batch holds 1 to {MOST_FILES} files.")
    return files


def answer(outcomes: Sequence[tuple[int, bytes]]) -> bytes:
    """The answer's body: status and document of each file, in the order of the request."""
    return b"".join(_SIZES.pack(status, len(document)) + document for status, document in outcomes)


def answered(body: bytes) -> list[tuple[int, bytes]]:
    """Status and document of each file; `ValueError` when the body cannot be read."""
    outcomes = []
    offset = 0
    while offset < len(body):
        if offset + _SIZES.size > len(body):
            raise ValueError("the answer to a batch ends within a part")
        status, size = _SIZES.unpack_from(body, offset)
        offset += _SIZES.size + size
        if offset > len(body):
            raise ValueError("the answer to a batch ends within a part")
        outcomes.append((status, body[offset - size : offset]))
    return outcomes


def _parts(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset < len(body):
        first, second = _SIZES.unpack_from(body, offset)
        middle = offset + _SIZES.size + first
        offset = middle + second
        if offset > len(body):
            raise struct.error("the last part is cut off")
        yield body[middle - first : middle], body[middle:offset]
