"""An upload that is sent in parts: what is known of it while it waits for the rest."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.errors import FileTooLarge, UploadIncomplete, UploadOffsetMismatch
from artstore_kit.contracts.files import UploadAttributes
from artstore_kit.contracts.uploads import OFFSET_HEADER


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

    @property
    def to_come_bytes(self) -> int:
        """What is missing of the announced size; 0 when none was announced."""
        return 0 if self.size is None else self.size - self.offset

    def must_continue(self, offset: int, part_bytes: int | None) -> None:
        """Raise unless a part from `offset` on, of so many bytes if that is announced, is what comes next."""
        if offset != self.offset:
            raise UploadOffsetMismatch(f"The upload has {self.offset} bytes.", headers=self._offset_header())
        if self.size is not None and (part_bytes or 0) > self.to_come_bytes:
            raise FileTooLarge(f"The upload was announced with {self.size} bytes.")

    def must_be_whole(self) -> None:
        """Raise unless all that was announced has come."""
        if self.to_come_bytes:
            detail = f"{self.offset} of {self.size} bytes have come."
            raise UploadIncomplete(detail, headers=self._offset_header())

    def _offset_header(self) -> dict[str, str]:
        return {OFFSET_HEADER: str(self.offset)}

    def to_json(self) -> bytes:
        """The bytes of the session file."""
        return self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n"
