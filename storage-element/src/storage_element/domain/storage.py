"""The seam between an element and what keeps it: a local file system, an S3 bucket. Each verb with its promise.

Every side passes tests/storage; retry, limit and memory belong to a side, decisions to the services.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from artstore_kit.contracts.modes import Mode
from artstore_kit.sendfile import FileSpan
from artstore_kit.start import StartRefused
from storage_element.domain.capacity import Room
from storage_element.domain.incoming import Staging, Uploads
from storage_element.domain.records import Record
from storage_element.domain.superblock import Superblock
from storage_element.domain.upkeep import Upkeep


class JournalDamaged(StartRefused):
    """The journal is damaged where it was already acknowledged; nothing was changed or deleted."""


class JournalFull(Exception):
    """There is no room for more of the journal; nothing was written."""


class JournalBroken(Exception):
    """A write or a sync failed before: only a restart finds out what the journal holds."""


class ContentMissing(Exception):
    """Content that a record or attributes name is nowhere."""


class WrongElement(StartRefused):
    """This does not hold the element that was expected; nothing was changed."""


class ElementInUse(StartRefused):
    """Another process holds this element."""


class Fenced(Exception):
    """Another node has taken the element over: what this one does from here on changes nothing and does not count."""


@dataclass(frozen=True)
class Closed:
    """Segments that take no more records, and the last LSN in them."""

    last_lsn: int
    segments: Sequence[str]


class Journal(Protocol):
    """The redo log. One verb at a time; a record is committed when `append` has returned."""

    @property
    def next_lsn(self) -> int:
        """The LSN of the next record."""

    @property
    def durable_lsn(self) -> int:
        """The last LSN on stable storage."""

    @property
    def epoch(self) -> int:
        """The fencing number of this writer."""

    @property
    def written_bytes(self) -> int:
        """Written since it was last rotated."""

    def read(self) -> AsyncIterator[Sequence[Record]]:
        """Every acknowledged record in LSN order, some at a time; a torn tail is passed over. Changes nothing.

        `JournalDamaged` when what was acknowledged cannot be read.
        """

    async def last_begun_lsn(self) -> int:
        """The LSN after which the newest segment begins, or 0: no smaller one may be given again."""

    async def segments(self) -> Sequence[str]:
        """All segments, oldest first."""

    async def start(self, next_lsn: int, epoch: int) -> None:
        """Begin to write at `next_lsn`; `JournalFull`."""

    async def append(self, records: Sequence[Record]) -> None:
        """Return when `records`, which begin at `next_lsn`, are on stable storage.

        `JournalFull` when nothing was written; `Fenced` when they may not be acknowledged, since another node took
        over before they were durable; any other error leaves it open what was written.
        """

    async def rotate(self) -> Closed:
        """Go on in a new segment; the older ones may be dropped once what they cover is synced."""

    async def drop(self, segments: Sequence[str]) -> None:
        """Remove segments, oldest first, so that a crash in between leaves no gap; `Fenced`."""


class OpenContent(Protocol):
    """The content of one file, open for reading. Never what is put in its place meanwhile."""

    size: int

    def chunks(self, start: int, length: int) -> AsyncIterator[memoryview | FileSpan]:
        """`length` bytes from `start`; `ContentCorrupt` when it ends before.

        When the file is removed meanwhile, a local one is read to its end, and one in a bucket ends with
        `ContentMissing`.
        """

    def close(self) -> None:
        """Let go of it."""


class Files(Protocol):
    """Documents, put in place from journal records: the same way in normal running and in replay."""

    async def taken(self, file_ids: Collection[UUID]) -> set[UUID]:
        """Those that there are."""

    async def place(self, records: Sequence[Record]) -> None:
        """Bring the files to what `records` say, in order; doing it twice changes nothing, and nothing is synced yet.

        `Fenced` when another node has taken over, which changes nothing of what that one placed.
        `ContentMissing` when staged content is nowhere; the other records are placed all the same.
        """

    async def sync(self) -> None:
        """Return when everything placed is on stable storage."""

    async def remove_content(self, file_id: UUID, version: int) -> None:
        """Remove a version of the content that no attributes name any more, if it is there."""

    def stage(self, file_id: UUID, version: int, inline_bytes: int) -> Staging:
        """Room for one upload, to be this version of the content; it rides in the journal up to `inline_bytes`."""

    async def clear_staging(self) -> int:
        """Remove what neither a record nor an open upload names; only right after replay. How many there were."""

    async def read_attributes(self, file_id: UUID) -> bytes:
        """The bytes of attr.json; `FileUnknown` when there is none."""

    async def open_content(self, file_id: UUID, version: int) -> OpenContent:
        """A version of the content; `ContentMissing` when it is not there."""

    def all_attributes(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Every attr.json, some at a time: its path and bytes, in the order of the directories."""

    def room(self) -> Room:
        """How much there is and how much is free."""


class Superblocks(Protocol):
    """The superblock of the element."""

    @property
    def current(self) -> Superblock:
        """What the element is now."""

    async def open(self, element_id: str, mode: Mode) -> None:
        """Read the superblock, or make the element where there is nothing yet; `WrongElement`."""

    async def refresh(self) -> None:
        """Read it again, as one who is not the master."""

    async def take_over(self) -> int:
        """Raise the epoch: whoever wrote before is fenced off. The new epoch; `Fenced` when another was quicker."""

    async def confirm(self) -> None:
        """Return when nobody has taken over since `take_over`; else `Fenced`."""

    async def note_checkpoint(self, lsn: int) -> None:
        """All records up to `lsn` are synced as plain files, and what older epochs wrote after it does not count."""

    async def change_mode(self, mode: Mode) -> None:
        """Be of another mode, durably: after a crash the old one or the new one; `Fenced`."""


@dataclass(frozen=True)
class Storage:
    """What keeps one element."""

    journal: Journal
    files: Files
    superblocks: Superblocks
    upkeep: Upkeep
    uploads: Uploads
