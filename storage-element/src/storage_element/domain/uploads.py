"""An upload that is sent in parts: what is known of it while it waits for the rest."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.files import UploadAttributes


class UploadSession(BaseModel):
    """`<upload id>.upload.json`, format version 1. The first `offset` bytes of its content are on stable storage."""

    model_config = ConfigDict(frozen=True)

    format: Literal["artstore-upload"] = "artstore-upload"
    version: Literal[1] = 1
    upload_id: UUID
    file_id: UUID
    attributes: UploadAttributes
    uploaded_by: str
    size: int | None = Field(None, ge=0)
    offset: int = Field(0, ge=0)
    expires_at: AwareDatetime

    def to_json(self) -> bytes:
        """The bytes of the session file."""
        return self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n"
