"""The seam through which an element looks after what it keeps: walk, read again, put aside, take notes.

Every side passes the same tests. Nothing here deletes; what is judged and when is the services' part.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from storage_element.domain.judgement import Kind

type Pace = Callable[[int], Awaitable[None]]
"""Awaited with the size in bytes of each piece before it is read."""


class ContentUnreadable(Exception):
    """The content is there and cannot be read. `may_pass` when only permission is missing."""

    def __init__(self, detail: str, *, may_pass: bool) -> None:
        super().__init__(detail)
        self.may_pass = may_pass


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a directory of files; `changed_at` is Unix time, by the clock of what keeps it."""

    name: str
    size: int
    changed_at: float


@dataclass(frozen=True)
class Directory:
    """One directory below files/, its entries in the order of their names; `error` when it could not be read."""

    path: str
    entries: Sequence[Entry]
    error: str = ""


@dataclass(frozen=True)
class Reread:
    """What was read of a stored content."""

    size: int
    sha256: str


class Reason(BaseModel):
    """Why something was put aside, or, where nothing was moved, marked: the JSON beside it in quarantine/."""

    model_config = ConfigDict(extra="allow")

    format: Literal["artstore-quarantine"] = "artstore-quarantine"
    version: Literal[1] = 1
    kind: Kind
    path: str
    detail: str
    found_at: AwareDatetime
    file_id: UUID | None = None
    content_version: int | None = None
    attributes: str | None = None
    lsn: int | None = None
    moved_to: str | None = None

    def to_json(self) -> bytes:
        """The bytes of the file."""
        return self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n"


class Upkeep(Protocol):
    """What the element's own care needs of what keeps it."""

    def walk(self, first: str = "") -> AsyncIterator[Directory]:
        """The directories that hold files, in the order of their paths, from `first` on; one at a time in memory.

        What is removed meanwhile may be there or not. A directory that cannot be read is told, never left out.
        """

    async def reread(self, file_id: UUID, version: int, pace: Pace) -> Reread:
        """Read a version of the content from where it is kept, not from a memory of it.

        `ContentMissing`, `ContentUnreadable`; any other `OSError` says nothing about the content.
        """

    async def put_aside(self, reason: Reason, path: str | None) -> Reason:
        """Make the reason durable in quarantine/, then move what lies at `path` beside it, never over something.

        Without a path nothing is moved. On return both are on stable storage; after a crash there may be the reason
        alone, and `path` as it was. The reason as it was written.
        """

    def reasons(self) -> AsyncIterator[Sequence[bytes]]:
        """Every reason in quarantine/, some at a time."""

    async def note(self, name: str) -> bytes | None:
        """What `take_note` kept last under this name; None when there is none."""

    async def take_note(self, name: str, data: bytes) -> None:
        """Keep a few bytes durably under this name: the old ones or the new ones, whole, after a crash."""
