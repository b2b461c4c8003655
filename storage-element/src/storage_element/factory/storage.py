"""Where an element lies: its directory, held against other processes, or its bucket."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from os import close
from pathlib import Path

from artstore_kit.contracts.modes import Mode
from artstore_kit.health import Check, Health
from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.disk import make_directories, share_lock, take_lock, wait_for_lock
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.marks import LocalMarks
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.adapters.local.threads import FilesInThreads, JournalInThread, SuperblocksInThread
from storage_element.adapters.local.upkeep import LocalUpkeep
from storage_element.adapters.local.uploads import LocalUploads
from storage_element.adapters.s3.opened import open_bucket
from storage_element.config import JournalSettings, Settings
from storage_element.domain import layout
from storage_element.domain.mastership import Marks
from storage_element.domain.storage import Storage

IO_THREADS = 8


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[tuple[Storage, Sequence[Check]]]:
    """The directory or the bucket that the settings name, for this process alone, and how to find out whether it can
    be reached."""
    element = settings.element
    if element.root is not None:
        async with alone_in(element.root, element.id, element.mode, settings.journal) as storage:
            yield storage, []
    else:
        async with open_bucket(settings.s3, element.id, element.mode) as opened:
            yield opened.storage, [Check("store", opened.reach, Health.DEGRADED)]


@asynccontextmanager
async def node_storage(settings: Settings, executor: ThreadPoolExecutor) -> AsyncIterator[tuple[Storage, Marks]]:
    """The directory or the bucket where several nodes meet."""
    element = settings.element
    if element.root is not None:
        async with local_storage(element.root, element.id, settings.journal, executor, mode=None) as opened:
            yield opened
    else:
        async with open_bucket(settings.s3, element.id, element.mode) as bucket:
            yield bucket.storage, bucket.marks


@asynccontextmanager
async def held_with_others(settings: Settings, executor: ThreadPoolExecutor) -> AsyncIterator[None]:
    """The element's directory, held by this node among others. Who comes in is alone for a moment, and may make it.

    Nothing holds a bucket: there the first who asks makes the element.
    """
    root, element = settings.element.root, settings.element
    if root is None:
        yield
        return
    with ExitStack() as stack:
        await asyncio.to_thread(make_directories, root)
        gate = await asyncio.to_thread(wait_for_lock, root / layout.LOCK)
        try:
            async with local_storage(root, element.id, settings.journal, executor, mode=element.mode):
                stack.callback(close, share_lock(root / layout.NODES_LOCK))
        finally:
            close(gate)
        yield


@asynccontextmanager
async def alone_in(
    root: Path, element_id: str, mode: Mode, journal_settings: JournalSettings
) -> AsyncIterator[Storage]:
    """The element's directory, held by this process alone."""
    with ThreadPoolExecutor(IO_THREADS, "io") as executor, _held_alone(root):
        async with local_storage(root, element_id, journal_settings, executor, mode=mode) as (storage, _):
            yield storage


@contextmanager
def _held_alone(root: Path) -> Iterator[None]:
    """The element's directory, held by this process alone; `ElementInUse`."""
    make_directories(root)
    with ExitStack() as stack:
        for name in (layout.LOCK, layout.NODES_LOCK):
            stack.callback(close, take_lock(root / name))
        yield


@asynccontextmanager
async def local_storage(
    root: Path, element_id: str, journal_settings: JournalSettings, executor: ThreadPoolExecutor, *, mode: Mode | None
) -> AsyncIterator[tuple[Storage, Marks]]:
    """The element's directory. With `mode` it is made where there is none yet; then no other process may be at it."""
    async with AsyncExitStack() as stack:
        fence = Fence(root)
        local_superblocks = Superblocks(root, fence)
        superblocks = SuperblocksInThread(local_superblocks, executor)
        await (superblocks.refresh() if mode is None else superblocks.open(element_id, mode))
        buffers = Buffers()
        files = FilesInThreads(LocalFiles(root, fence), executor, buffers)
        stack.callback(files.close)
        journal = JournalInThread(Journal(root / layout.JOURNAL, element_id, journal_settings.segment_bytes, fence))
        stack.callback(journal.close)
        upkeep = LocalUpkeep(root, fence)
        stack.callback(upkeep.close)
        uploads, marks = LocalUploads(fence, executor, buffers), LocalMarks(fence, local_superblocks, executor)
        yield Storage(journal, files, superblocks, upkeep, uploads), marks
