"""Write-class calls, and who watches them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.durability.world import Change

EVERYTHING = -1
"""The inode that a sync of the whole file system speaks of."""


@dataclass
class Call:
    """A write-class call: its number, what it is about, and, once it was made, what it changed or synced."""

    number: int
    name: str
    path: str
    size: int = 0
    changes: Sequence[Change] = ()
    syncs: int | None = None

    def __str__(self) -> str:
        return f"{self.number}:{self.name}({self.path}{f', {self.size} bytes' if self.size else ''})"


class Watcher:
    """Sees each call before and after; raises to make it fail."""

    def before(self, call: Call) -> int | None:
        """How many bytes of a write are written at most; None for all."""

    def after(self, call: Call) -> None:
        """The call was made."""


@dataclass(frozen=True)
class Note:
    """What was known at a moment: how many events there were, the last LSN that the index had heard of, and how many
    entries the audit log's spool had, and had synced."""

    events: int = 0
    heard_lsn: int = 0
    told: int = 0
    synced: int = 0


@dataclass
class Recorder(Watcher):
    """Keeps all calls, and what was known before each."""

    note: Callable[[], Note] = Note
    calls: list[Call] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def before(self, call: Call) -> None:
        """What `note` said before the call is noted with it."""
        self._noted = self.note()

    def after(self, call: Call) -> None:
        """Keep it."""
        self.calls.append(call)
        self.notes.append(self._noted)
