"""What a comparison of attributes, content and index found, and how far it has come."""

from collections import Counter
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from storage_element.domain.judgement import Finding, Kind

MOST_LISTED = 1000
"""Findings beyond these are counted, and logged, but not listed."""


_MENDED = frozenset({Kind.FOREIGN, Kind.DIRECTORY_UNREADABLE, Kind.ROW_MISSING, Kind.ROW_STALE})
"""Somebody else's, told by itself, or put right by a new index."""


class Done(StrEnum):
    """What was done about a finding."""

    TOLD = "told"
    QUARANTINED = "quarantined"
    MARKED = "marked"
    REINDEXED = "reindexed"


class ListedFinding(BaseModel):
    """A finding, and what was done about it."""

    kind: Kind
    path: str
    detail: str
    done: Done


class ReconcileReport(BaseModel):
    """One comparison, under way or ended. The last ended one is notes/reconcile.json."""

    model_config = ConfigDict(extra="allow")

    version: Literal[1] = 1
    started_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    at: str = Field("", description="the directory that is being looked at")
    documents: int = 0
    superseded: int = Field(0, description="replaced versions of content that were left over and will be removed")
    busy: int = Field(0, description="doubtful files that somebody was changing: they are left for the next time")
    index_compared: bool = Field(True, description="false when the index was away or not built for a part of the time")
    stopped_because: str = ""
    counts: dict[Kind, int] = {}
    findings: list[ListedFinding] = []

    def add(self, finding: Finding, done: Done) -> None:
        """Count it, and list it as long as there are not too many."""
        self.counts = dict(Counter(self.counts) + Counter({finding.kind: 1}))
        if len(self.findings) < MOST_LISTED:
            self.findings.append(ListedFinding(kind=finding.kind, path=finding.path, detail=finding.detail, done=done))

    @property
    def wrong(self) -> int:
        """How much was found that no sound element has."""
        return sum(count for kind, count in self.counts.items() if kind not in _MENDED)

    @property
    def index_differs(self) -> bool:
        """Whether the index shows something else than the files."""
        return any(self.counts.get(kind) for kind in (Kind.ROW_MISSING, Kind.ROW_STALE, Kind.ROW_GHOST))


class ReconcileState(StrEnum):
    """`stopped` by itself because too much was wrong; `off` by a setting."""

    OFF = "off"
    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class ReconcileStatus(BaseModel):
    """What is being compared, and what was found the last time."""

    state: ReconcileState
    current: ReconcileReport | None = Field(description="the comparison that is under way")
    last: ReconcileReport | None = Field(description="the last one that has ended")
