"""The local file system's side of the seam: each verb in the thread that keeps its order.

Two threads have one thing at a time each: the journal's writes batch n + 1 while the placing one puts batch n in place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from uuid import UUID

from artstore_kit.contracts.modes import Mode
from storage_element.adapters.local.content import LocalContent
from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.staging import Staging
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain.capacity import Room
from storage_element.domain.records import Record
from storage_element.domain.storage import Closed, ContentMissing
from storage_element.domain.superblock import Superblock

READ_AT_ONCE = 256
"""Records, or attributes, that are in memory at a time."""


async def _run[*Args, T](executor: Executor, work: Callable[[*Args], T], *args: *Args) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work, *args)


async def _in_batches[T](executor: Executor, items: Iterator[T]) -> AsyncIterator[Sequence[T]]:
    while batch := await _run(executor, _next, items):
        yield batch


def _next[T](items: Iterator[T]) -> list[T]:
    return list(islice(items, READ_AT_ONCE))


class JournalInThread:
    """A journal whose verbs have one thread of their own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "journal")

    @property
    def next_lsn(self) -> int:
        """The LSN of the next record."""
        return self._journal.next_lsn

    @property
    def durable_lsn(self) -> int:
        """The last LSN on stable storage."""
        return self._journal.durable_lsn

    @property
    def epoch(self) -> int:
        """The fencing number of this writer."""
        return self._journal.epoch

    @property
    def written_bytes(self) -> int:
        """Written since it was last rotated."""
        return self._journal.written_bytes

    def read(self) -> AsyncIterator[Sequence[Record]]:
        """Every acknowledged record, some at a time."""
        return _in_batches(self._thread, self._journal.read())

    async def last_begun_lsn(self) -> int:
        """An empty segment holds the next LSN in its name."""
        segments = await self.segments()
        return int(Path(segments[-1]).stem) - 1 if segments else 0

    async def segments(self) -> Sequence[str]:
        """All segments, oldest first."""
        return [str(path) for path in await _run(self._thread, self._journal.segments)]

    async def start(self, next_lsn: int, epoch: int) -> None:
        """Begin to write."""
        await _run(self._thread, self._journal.start, next_lsn, epoch)

    async def append(self, records: Sequence[Record]) -> None:
        """Make records durable."""
        await _run(self._thread, self._journal.append, records)

    async def rotate(self) -> Closed:
        """Go on in a new segment."""
        return await _run(self._thread, self._rotate)

    async def drop(self, segments: Sequence[str]) -> None:
        """Remove segments."""
        await _run(self._thread, self._journal.drop, [Path(segment) for segment in segments])

    def close(self) -> None:
        """Let go of the active segment and the thread."""
        self._thread.shutdown()
        self._journal.close()

    def _rotate(self) -> Closed:
        return Closed(self._journal.durable_lsn, [str(path) for path in self._journal.rotate()])


class FilesInThreads:
    """Plain files: placed by one thread of their own, read by those that all share."""

    def __init__(self, files: LocalFiles, executor: Executor, buffers: Buffers) -> None:
        self._files = files
        self._executor = executor
        self._buffers = buffers
        self._thread = ThreadPoolExecutor(1, "placing")

    async def taken(self, file_ids: Collection[UUID]) -> set[UUID]:
        """Those that there are: to look takes less time than a change of threads."""
        return set(filter(self._files.has, file_ids))

    async def place(self, records: Sequence[Record]) -> None:
        """Bring the files to what records say."""
        await _run(self._thread, self._place, records)

    async def sync(self) -> None:
        """Everything placed, on stable storage; files are placed meanwhile."""
        await _run(self._executor, self._files.sync)

    async def remove_content(self, file_id: UUID, version: int) -> None:
        """Remove a version of the content."""
        await _run(self._executor, self._files.remove_content, file_id, version)

    def stage(self, file_id: UUID, version: int, inline_bytes: int) -> Staging:  # noqa: ARG002 (its name comes later)
        """Room for one upload."""
        return Staging(self._files, self._executor, self._buffers, inline_bytes)

    async def clear_staging(self) -> int:
        """Remove what no record names."""
        return await _run(self._thread, self._files.clear_staging)

    async def read_attributes(self, file_id: UUID) -> bytes:
        """The bytes of attr.json."""
        return await _run(self._executor, self._files.read_attributes, file_id)

    async def open_content(self, file_id: UUID, version: int) -> LocalContent:
        """A version of the content: opening takes less time than a change of threads."""
        try:
            return LocalContent(self._files.open_content(file_id, version), self._executor)
        except FileNotFoundError:
            raise ContentMissing(f"{file_id}: version {version} of the content is missing") from None

    def all_attributes(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Every attr.json, some at a time."""
        return _in_batches(self._executor, self._files.all_attributes())

    def room(self) -> Room:
        """What the file system has."""
        return self._files.room()

    def close(self) -> None:
        """Let go of the thread and the root."""
        self._thread.shutdown()
        self._files.close()

    def _place(self, records: Sequence[Record]) -> None:
        missing = []
        for record in records:
            try:
                self._files.place(record)
            except ContentMissing as error:
                missing.append(str(error))
        if missing:
            raise ContentMissing("; ".join(missing))


class SuperblocksInThread:
    """element.json, replaced off the loop."""

    def __init__(self, superblocks: Superblocks, executor: Executor) -> None:
        self._superblocks = superblocks
        self._executor = executor

    @property
    def current(self) -> Superblock:
        """What the element is now."""
        return self._superblocks.current

    async def open(self, element_id: str, mode: Mode) -> None:
        """Read it, or make the element in an empty directory."""
        await _run(self._executor, self._superblocks.open, element_id, mode)

    async def refresh(self) -> None:
        """Read it as it is now."""
        await _run(self._executor, self._superblocks.refresh)

    async def take_over(self) -> int:
        """Raise the epoch."""
        return await _run(self._executor, self._superblocks.take_over)

    async def confirm(self) -> None:
        """Return when nobody has taken over since."""
        await _run(self._executor, self._superblocks.confirm)

    async def note_checkpoint(self, lsn: int) -> None:
        """All records up to `lsn` are synced."""
        await _run(self._executor, self._superblocks.note_checkpoint, lsn)

    async def change_mode(self, mode: Mode) -> None:
        """Be of another mode, durably."""
        await _run(self._executor, self._superblocks.change_mode, mode)
