"""Documents for tests: attributes as an element would write them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from artstore_kit.contracts.files import Content, ElementStamp, FileAttributes
from artstore_kit.contracts.ids import new_file_id

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_SHA256 = "0" * 64


def document(
    name: str = "document.txt",
    *,
    number: int = 0,
    file_id: UUID | None = None,
    media_type: str = "text/plain",
    size: int = 1,
    uploaded_at: datetime | None = None,
    **fields: object,
) -> FileAttributes:
    """A document, uploaded `number` minutes after `BEGINNING`."""
    uploaded_at = uploaded_at or BEGINNING + timedelta(minutes=number)
    return FileAttributes.model_validate(
        {
            "schema": 1,
            "file_id": file_id or new_file_id(round(uploaded_at.timestamp() * 1000)),
            "content": Content(
                name=name, media_type=media_type, size=size, sha256=_SHA256, stored_size=size, stored_sha256=_SHA256
            ),
            "uploaded_by": "tester",
            "uploaded_at": uploaded_at,
            "element": ElementStamp(id="edit-1", epoch=1, lsn=1),
            **fields,
        }
    )
