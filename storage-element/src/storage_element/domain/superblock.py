"""The superblock, element.json: what an element is, readable without ArtStore."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from artstore_kit.contracts.elements import ELEMENT_ID_PATTERN
from artstore_kit.contracts.modes import Mode
from storage_element.domain.records import Record


class Superblock(BaseModel):
    """element.json, format version 1. Unknown fields survive a rewrite."""

    model_config = ConfigDict(extra="allow")

    format: Literal["artstore-element"] = "artstore-element"
    version: Literal[1] = 1
    element_id: str = Field(pattern=ELEMENT_ID_PATTERN)
    mode: Mode
    epoch: int = Field(0, ge=0, description="grows by one each time a process takes the element over")
    checkpoint_lsn: int = Field(0, ge=0, description="all records up to this one are in place and synced")
    checkpoint_epoch: int = Field(0, ge=0, description="of whoever noted that; later records of older epochs are void")
    created_at: AwareDatetime

    def counts(self, record: Record) -> bool:
        """Whether a record of the journal does: what a stale master wrote behind a newer one's checkpoint is void."""
        return record.lsn <= self.checkpoint_lsn or record.epoch >= self.checkpoint_epoch

    def to_json(self) -> bytes:
        """The bytes of element.json."""
        return self.model_dump_json(indent=2).encode() + b"\n"
