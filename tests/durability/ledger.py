"""What callers were promised, in the order in which they were told: by this an element is judged after a crash."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from artstore_kit.contracts.files import FileAttributes

OF_THE_MODE = UUID(int=0)
"""Not the id of a file: what is promised of it is the element's mode, as a description."""
UPLOAD = "an upload, in parts"
"""The description of what is not a file yet: its `revision` is the offset, its digest is of what comes before."""


@dataclass(frozen=True)
class Version:
    """A file as a caller knows it. `description` is unlike that of any other version of the file."""

    sha256: str
    revision: int
    description: str

    @classmethod
    def of(cls, file: FileAttributes) -> "Version":
        """What `file` is."""
        return cls(file.content.sha256, file.revision, file.description)


@dataclass(frozen=True)
class Event:
    """`began`: this may come; `done`: it is promised, as `answered`; `undone`: it was refused."""

    what: str
    file_id: UUID
    version: Version | None
    answered: str = ""

    def to_line(self) -> str:
        """One line of text."""
        version = self.version and [self.version.sha256, self.version.revision, self.version.description]
        return json.dumps([self.what, str(self.file_id), version, self.answered])

    @classmethod
    def of_line(cls, line: str) -> "Event":
        """What `to_line` gave."""
        what, file_id, version, answered = json.loads(line)
        return cls(what, UUID(file_id), Version(*version) if version else None, answered)


@dataclass
class Told:
    """What is known of one file: what was promised last, and what began since and was not answered."""

    promised: Version | None = None
    answered: str = ""
    in_doubt: list[Version | None] = field(default_factory=list)

    @property
    def allowed(self) -> list[Version | None]:
        """Any of these may be found."""
        return [self.promised, *self.in_doubt]

    @property
    def is_upload(self) -> bool:
        """Whether it is about an upload."""
        return any(version and version.description == UPLOAD for version in self.allowed)

    def take(self, event: Event) -> None:
        """What came next."""
        if event.what == "began":
            self.in_doubt.append(event.version)
        elif event.what == "done":
            self.promised, self.answered, self.in_doubt = event.version, event.answered, []
        else:
            self.in_doubt.remove(event.version)


class Ledger:
    """Events in order. `sink` is told of each at once: what it keeps outlives the process."""

    def __init__(self, events: Sequence[Event] = (), sink: Callable[[Event], None] = lambda _: None) -> None:
        self.events = list(events)
        self._sink = sink

    def note(self, what: str, file_id: UUID, version: Version | None, answered: str = "") -> None:
        """Something was begun, promised or refused."""
        event = Event(what, file_id, version, answered)
        self.events.append(event)
        self._sink(event)

    def last_lsn(self) -> int:
        """The highest LSN that was answered."""
        return max((json.loads(event.answered)["element"]["lsn"] for event in self.events if event.answered), default=0)

    def so_far(self, count: int | None = None) -> dict[UUID, Told]:
        """What is known of each file after the first `count` events."""
        known: dict[UUID, Told] = {}
        for event in self.events[:count]:
            known.setdefault(event.file_id, Told()).take(event)
        return known
