"""An element without HTTP and without a database: where its files lie, journal, commit, checkpoint."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from running_element import ELEMENT_ID, MIB
from told import Told

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from artstore_kit.workers import Background
from storage_element.adapters.index import Entry
from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.disk import make_directories
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.adapters.local.threads import FilesInThreads, JournalInThread, SuperblocksInThread
from storage_element.adapters.local.upkeep import LocalUpkeep
from storage_element.adapters.local.uploads import LocalUploads
from storage_element.config import JournalSettings
from storage_element.domain import layout
from storage_element.domain.asker import Asker
from storage_element.domain.origin import Origin
from storage_element.domain.records import NO_STAGING, Kind, Record
from storage_element.domain.storage import Storage
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.commit import Committer
from storage_element.services.drafts import Draft
from storage_element.services.recover import recover
from storage_element.services.reservations import Reservations
from storage_element.services.superseded import Superseded
from storage_element.services.tell import Teller

TESTER = Origin("tester", "test-client", moment_ms=1_772_000_000_000)
ASKER = Asker(TESTER, lambda _: None)
"""May do everything, in each collection."""

type Tree = dict[str, bytes]


@dataclass(kw_only=True)
class Working:
    """The parts of an element at work, wherever its files lie, that keep what it acknowledged."""

    storage: Storage
    spool: Told
    teller: Teller
    committer: Committer
    reservations: Reservations
    superseded: Superseded
    checkpoint: Checkpoint
    replayed: list[Entry]
    committed: list[Record] = field(default_factory=list)

    async def commit(self, draft: Draft) -> FileAttributes:
        """Submit, and wait for the outcome."""
        self.committer.submit(draft)
        return await draft.done

    async def create(self, content: bytes = b"content", file: FileAttributes | None = None) -> FileAttributes:
        """A new file whose content rides in the journal."""
        return await self.commit(inline(file, content))


@dataclass(kw_only=True)
class Core(Working):
    """An element at work in a directory."""

    root: Path
    journal: Journal
    files: LocalFiles
    superblocks: Superblocks

    def tree(self) -> Tree:
        """Every file below files/."""
        return tree(self.root)


@asynccontextmanager
async def at_work(storage: Storage, spool: Told | None = None) -> AsyncIterator[Working]:
    """Recovered and running. Leaving it is like kill -9: there is no checkpoint at the end."""
    await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
    spool = spool or Told()
    teller = Teller(spool, storage.journal, storage.superblocks)
    replayed = await recover(storage, teller)
    committed: list[Record] = []
    committer = Committer(storage.journal, storage.files, ELEMENT_ID, teller, committed.extend)
    reservations = Reservations()
    superseded = Superseded(storage.files, reservations, grace_s=0)
    checkpoint = Checkpoint(
        committer,
        storage.files,
        storage.superblocks,
        superseded=superseded,
        teller=teller,
        settings=JournalSettings(),
    )
    async with Background() as background:
        await background.start("placing", committer.run_placing())
        await background.start("commit", committer.run())
        yield Working(
            storage=storage,
            spool=spool,
            teller=teller,
            committer=committer,
            reservations=reservations,
            superseded=superseded,
            checkpoint=checkpoint,
            replayed=replayed,
            committed=committed,
        )


@asynccontextmanager
async def open_core(root: Path, *, segment_bytes: int = MIB, spool: Told | None = None) -> AsyncIterator[Core]:
    """`at_work` in a directory."""
    async with AsyncExitStack() as stack:
        make_directories(root)
        executor = stack.enter_context(ThreadPoolExecutor(2, "io"))
        fence, buffers = Fence(root), Buffers()
        superblocks, files = Superblocks(root, fence), LocalFiles(root, fence)
        journal = Journal(root / layout.JOURNAL, ELEMENT_ID, segment_bytes, fence)
        storage = Storage(
            threaded_journal := JournalInThread(journal),
            threaded_files := FilesInThreads(files, executor, buffers),
            SuperblocksInThread(superblocks, executor),
            upkeep := LocalUpkeep(root, fence),
            LocalUploads(fence, executor, buffers),
        )
        stack.callback(upkeep.close)
        stack.callback(threaded_files.close)
        stack.callback(threaded_journal.close)
        working = await stack.enter_async_context(at_work(storage, spool))
        yield Core(**vars(working), root=root, journal=journal, files=files, superblocks=superblocks)


def inline(file: FileAttributes | None = None, content: bytes = b"content") -> Draft:
    """A create whose content rides in the journal."""
    return Draft(Kind.CREATE_INLINE, file or document(), content, NO_STAGING, TESTER)


def tree(root: Path) -> Tree:
    """Every file below files/, by its path from there."""
    below = root / layout.FILES
    return {str(path.relative_to(below)): path.read_bytes() for path in below.rglob("*") if path.is_file()}


class Syncs:
    """Counts `fdatasync`, can hold it up, and can make it fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.error: OSError | None = None
        self.before: Callable[[], object] = lambda: None
        self.passes: Callable[[], bool] = lambda: False
        self._really = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, fd: int) -> None:
        self.count += 1
        self.before()
        if self.error is not None and not self.passes():
            raise self.error
        self._really(fd)


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Return as soon as `holds()`."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 (what is waited for happens in a thread)
            await asyncio.sleep(0.001)


async def outcomes(drafts: list[Draft]) -> list[FileAttributes | BaseException]:
    """How each ended, within 5 s."""
    async with asyncio.timeout(5):
        return await asyncio.gather(*(draft.done for draft in drafts), return_exceptions=True)
