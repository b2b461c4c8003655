"""Documents for tests: attributes as an element would write them."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

from artstore_kit.contracts.files import Content, ElementStamp, FileAttributes
from artstore_kit.contracts.ids import new_file_id

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def document(
    name: str = "document.txt",
    *,
    number: int = 0,
    file_id: UUID | None = None,
    media_type: str = "text/plain",
    content: bytes = b"",
    size: int | None = None,
    uploaded_at: datetime | None = None,
    **fields: object,
) -> FileAttributes:
    """A document with this content, uploaded `number` minutes after `BEGINNING`; `fields` are any other attributes."""
    uploaded_at = uploaded_at or BEGINNING + timedelta(minutes=number)
    size, sha256 = len(content) if size is None else size, hashlib.sha256(content).hexdigest()
    return FileAttributes.model_validate(
        {
            "schema": 1,
            "file_id": file_id or new_file_id(round(uploaded_at.timestamp() * 1000)),
            "content": Content(
                name=name, media_type=media_type, size=size, sha256=sha256, stored_size=size, stored_sha256=sha256
            ),
            "uploaded_by": "tester",
            "uploaded_at": uploaded_at,
            "element": ElementStamp(id="edit-1", epoch=1, lsn=1),
            **fields,
        }
    )
