"""How far a pass over all content has come, and how old the oldest unverified content may be."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Outcome(StrEnum):
    """What became of one document that was read again."""

    SOUND = "sound"
    DAMAGED = "damaged"
    SKIPPED = "skipped"


class Cursor(BaseModel):
    """notes/scrub.json: where the pass is. Unknown fields survive a rewrite."""

    model_config = ConfigDict(extra="allow")

    version: Literal[1] = 1
    started_at: AwareDatetime | None = Field(None, description="when this pass, or the last one, began")
    finished_at: AwareDatetime | None = Field(None, description="null while the pass is under way")
    after: UUID | None = Field(None, description="the file that was read last")
    covered_since: AwareDatetime | None = Field(None, description="beginning of the last pass that was finished")
    oldest_at: AwareDatetime | None = Field(None, description="no content was last verified, or stored, before this")
    files: int = 0
    size_bytes: int = 0
    damaged: int = 0
    skipped: int = Field(0, description="files that others were changing all the time")
    stopped_because: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether a pass has begun and not ended."""
        return self.started_at is not None and self.finished_at is None

    def begin(self, now: datetime) -> None:
        """A new pass."""
        self.started_at, self.finished_at, self.after = now, None, None
        self.files = self.size_bytes = self.damaged = self.skipped = 0

    def comes_to(self, stored_at: datetime) -> None:
        """All before was verified in this pass; this file in the last one, or when it was stored."""
        self.oldest_at = max(stored_at, self.covered_since) if self.covered_since else stored_at

    def count(self, outcome: Outcome) -> None:
        """One document was looked at."""
        self.files += 1
        self.damaged += outcome is Outcome.DAMAGED
        self.skipped += outcome is Outcome.SKIPPED

    def finish(self, now: datetime) -> None:
        """The pass has come to the end."""
        self.finished_at, self.covered_since = now, self.started_at
        self.oldest_at = self.started_at if self.files else None

    def oldest_unverified_age_s(self, now: datetime) -> float:
        """How long ago the content that waits longest was verified, or stored; never less than it is."""
        return max((now - self.oldest_at).total_seconds(), 0.0) if self.oldest_at else 0.0


class ScrubState(StrEnum):
    """`stopped` by itself, because too much in a row was damaged; `off` by a setting."""

    OFF = "off"
    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class ScrubStatus(BaseModel):
    """What the scrub does, and what it knows."""

    state: ScrubState
    cursor: Cursor
    oldest_unverified_age_s: float
    damaged: list[UUID] = Field(description="damaged files, the first 1,000 of them")
