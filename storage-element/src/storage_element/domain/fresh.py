"""A file as it is when it comes: made without validation, because each part was validated when it came, and here time
counts."""

from datetime import UTC, datetime
from uuid import UUID

from artstore_kit.contracts.files import Content, ElementStamp, Encoding, FileAttributes, UploadAttributes

LARGEST = 2**63 - 1
LATEST = datetime.max.replace(tzinfo=UTC)
"""With these, what attr.json will hold is as long as it can become."""


def fresh_content(size: int, sha256: str) -> Content:
    """The first version of a content, stored as it came; it gets its name from the file."""
    return Content.model_construct(
        name="", size=size, sha256=sha256, version=1, encoding=Encoding.IDENTITY, stored_size=size, stored_sha256=sha256
    )


def largest_content() -> Content:
    """That of a content of which nothing is known yet."""
    return fresh_content(LARGEST, "0" * 64)


def fresh_file(
    file_id: UUID, given: UploadAttributes, uploaded_by: str, content: Content, *, stamp: ElementStamp, at: datetime
) -> FileAttributes:
    """The first revision of a file, as its sender describes it."""
    content.name, content.media_type = given.name, given.media_type
    return FileAttributes.model_construct(
        schema_version=1,
        file_id=file_id,
        revision=1,
        content=content,
        uploaded_by=uploaded_by,
        uploaded_at=at,
        collection=given.collection,
        retention=given.retention,
        holds=given.holds,
        description=given.description,
        tags=given.tags,
        metadata=given.metadata,
        element=stamp,
    )
