"""Uploads that are sent in parts: what an element is told and tells."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.files import UploadAttributes

OFFSET_HEADER = "Upload-Offset"
"""How many bytes there are already, as tus 1.0.0 names it."""
MAX_SIZE = 2**63 - 1


class UploadCreation(BaseModel):
    """The beginning of an upload; `size` in bytes may be left out when it is not known yet."""

    model_config = ConfigDict(extra="forbid")

    file_id: UUID
    size: int | None = Field(None, ge=0, le=MAX_SIZE)
    attributes: UploadAttributes


class UploadView(BaseModel):
    """An open upload: its first `offset` bytes are on stable storage, and the next part begins there."""

    upload_id: UUID
    file_id: UUID
    size: int | None
    offset: int
    expires_at: AwareDatetime
