"""The one room that names concrete classes: what an element is made of, opened in order, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from os import close
from pathlib import Path
from typing import Any, cast

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.elements import ElementState
from artstore_kit.contracts.modes import Mode
from artstore_kit.health import Check, CheckResult, Health
from artstore_kit.postgres import Database
from artstore_kit.redis import connect
from artstore_kit.service_token import ServiceToken
from artstore_kit.settings import PostgresSettings
from artstore_kit.workers import Background, run_forever
from storage_element.adapters.index import Index
from storage_element.adapters.lease import Lease
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
from storage_element.adapters.machine_clock import machine_clock
from storage_element.adapters.s3.opened import open_bucket
from storage_element.config import CommandSettings, IndexSettings, JournalSettings, ScrubSettings, Settings
from storage_element.domain import layout
from storage_element.domain.mastership import Marks
from storage_element.domain.storage import Files, Storage
from storage_element.domain.superblock import Superblock
from storage_element.services.care import Care, care_for
from storage_element.services.catalog import Catalog
from storage_element.services.changes import ChangeFeed, Ticks
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.clock_watch import ClockWatch
from storage_element.services.commit import Committer
from storage_element.services.contain import Containment
from storage_element.services.election import Election
from storage_element.services.follow import Follower
from storage_element.services.import_bag import Imported, Importer
from storage_element.services.indexing import Indexer
from storage_element.services.measure import Measure
from storage_element.services.modes import Modes
from storage_element.services.only_at_master import OnlyAtMaster
from storage_element.services.open_uploads import OpenUploads
from storage_element.services.read import Reader
from storage_element.services.receive import Receiver
from storage_element.services.recover import recover
from storage_element.services.report import Reporter
from storage_element.services.reservations import Reservations
from storage_element.services.scrub import Scrubber
from storage_element.services.superseded import Superseded
from storage_element.services.uploads import UploadSessions
from storage_element.services.verify import Verifier
from storage_element.services.write import Writer
from storage_element.services.write_many import ManyWriter

IO_THREADS = 8
TICK_S = 0.5
QUARANTINE_EVERY_S = 5.0
"""A follower learns so late of what the master has found damaged; what was moved away is not served meanwhile."""


@dataclass
class Services:
    """What requests and workers can ask of this element. What a node offers changes with its role."""

    writer: Writer
    many_writer: ManyWriter
    uploads: UploadSessions
    reader: Reader
    feed: ChangeFeed
    catalog: Catalog
    reporter: Reporter
    state: Callable[[], Awaitable[ElementState]]
    committer: Committer
    checkpoint: Checkpoint
    indexer: Indexer
    care: Care
    checks: Sequence[Check]

    def become(self, other: "Services") -> None:
        """From the next request on, be what `other` is."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))


@dataclass(frozen=True)
class Surroundings:
    """What lasts as long as the process, whatever its role on the element is."""

    executor: ThreadPoolExecutor
    database: Database
    admin: AdminClient


@dataclass(frozen=True)
class Alone:
    """An element without API, index and report: what a command needs to bring documents in."""

    storage: Storage
    committer: Committer
    checkpoint: Checkpoint
    receiver: Receiver
    inline_bytes: int

    def importer(self, progress: Callable[[Imported], None]) -> Importer:
        """Imports into this element."""
        return Importer(
            committer=self.committer,
            files=self.storage.files,
            superblocks=self.storage.superblocks,
            receiver=self.receiver,
            inline_bytes=self.inline_bytes,
            progress=progress,
        )

    async def scrubber(self, settings: ScrubSettings) -> Scrubber:
        """Reads all content of this element again."""
        files, upkeep = self.storage.files, self.storage.upkeep
        containment = Containment(files, upkeep, self.checkpoint, Reservations())
        await containment.load()
        return Scrubber(upkeep, Verifier(files, upkeep, containment), containment, settings)


@asynccontextmanager
async def open_surroundings(settings: Settings) -> AsyncIterator[Surroundings]:
    """Threads and connections."""
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(IO_THREADS, "io"))
        database = Database(settings.postgres, f"storage-element {settings.element.id}")
        stack.push_async_callback(database.close)
        token = ServiceToken.of(settings.admin, settings.account)
        stack.push_async_callback(token.close)
        admin = AdminClient.of(settings.admin, token)
        stack.push_async_callback(admin.close)
        yield Surroundings(executor, database, admin)


@asynccontextmanager
async def open_services(
    settings: Settings,
    stopping: asyncio.Event,
    around: Surroundings,
    storage: Storage,
    *,
    checks: Sequence[Check] = (),
    may_remember: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Services]:
    """Take the element over and recover it."""
    pending = await recover(storage)
    journal, files, superblocks = storage.journal, storage.files, storage.superblocks
    index = Index(around.database, settings.element.id, journal.epoch)
    indexer = Indexer(index, files, pending, journal.durable_lsn, superblocks.confirm)
    committer = Committer(journal, files, settings.element.id, indexer.add)
    reservations = Reservations()
    superseded = Superseded(files, reservations, settings.content.replaced_grace_s)
    checkpoint = Checkpoint(committer, files, superblocks, superseded, settings.journal)
    measure = Measure(files, settings.capacity)
    containment = Containment(files, storage.upkeep, checkpoint, reservations)
    await containment.load()
    clock = ClockWatch(storage.upkeep, superblocks, machine_clock, settings.expiry)
    reader = Reader(files, superblocks, containment, may_remember)
    reporter = Reporter(
        settings=settings.element,
        node_id=settings.node.id,
        superblocks=superblocks,
        committer=committer,
        measure=measure,
        index=index,
        containment=containment,
        clock=clock,
        admin=around.admin,
    )
    receiver = Receiver(files, measure, committer, settings.journal.inline_bytes)
    writer = Writer(
        committer=committer,
        receiver=receiver,
        reader=reader,
        superblocks=superblocks,
        reservations=reservations,
        superseded=superseded,
        modes=(modes := Modes(superblocks, committer, checkpoint)),
    )
    uploads = UploadSessions(
        uploads=storage.uploads,
        files=files,
        writer=writer,
        receiver=receiver,
        measure=measure,
        open_uploads=OpenUploads(settings.uploads),
        committer=committer,
        expiry_s=settings.uploads.expiry_s,
    )
    await uploads.load()
    care = care_for(
        settings,
        storage,
        index=index,
        indexer=indexer,
        writer=writer,
        containment=containment,
        clock=clock,
        measure=measure,
        modes=modes,
        checkpoint=checkpoint,
        reservations=reservations,
        superseded=superseded,
    )
    yield Services(
        writer=writer,
        uploads=uploads,
        many_writer=ManyWriter(writer),
        reader=reader,
        feed=ChangeFeed(index, indexer, stopping),
        catalog=Catalog(index),
        reporter=reporter,
        state=reporter.state,
        committer=committer,
        checkpoint=checkpoint,
        indexer=indexer,
        care=care,
        checks=[
            Check("storage", lambda: _storage(committer)),
            *care.checks,
            *checks,
            Check("postgres", index.check, Health.DEGRADED),
        ],
    )


@asynccontextmanager
async def open_follower(
    settings: Settings, stopping: asyncio.Event, around: Surroundings, storage: Storage, election: Election
) -> AsyncIterator[Services]:
    """A node that reads what the master has placed; it remembers no attributes, since the master changes them."""
    master = cast(Any, OnlyAtMaster(election.refusal))
    index, ticks = Index(around.database, settings.element.id), Ticks()
    containment = Containment(storage.files, storage.upkeep, master, Reservations())
    await containment.load()
    async with Background() as background:
        await background.start("ticks", run_forever("ticks", TICK_S, ticks.round))
        look = partial(_unless_leading, election, containment.load)
        await background.start("quarantine", run_forever("quarantine", QUARANTINE_EVERY_S, look))
        yield Services(
            writer=master,
            many_writer=master,
            uploads=master,
            reader=Reader(storage.files, storage.superblocks, containment, lambda: False),
            feed=ChangeFeed(index, ticks, stopping),
            catalog=Catalog(index),
            reporter=master,
            state=Follower(storage.superblocks, election).state,
            committer=master,
            checkpoint=master,
            indexer=master,
            care=master,
            checks=[
                Check("master", lambda: _master(election)),
                Check("storage", lambda: _may_lead(election)),
                *node_checks(election),
                Check("postgres", index.check, Health.DEGRADED),
            ],
        )


@asynccontextmanager
async def open_election(settings: Settings) -> AsyncIterator[Election]:
    """This node's part in the election."""
    node = settings.node
    lease = Lease(connect(node.redis), settings.element.id, node.lease_s) if node.redis else None
    try:
        yield Election(node, settings.element.url, lease)
    finally:
        if lease is not None:
            await lease.close()


@asynccontextmanager
async def open_storage(settings: Settings) -> AsyncIterator[tuple[Storage, Sequence[Check]]]:
    """The directory or the bucket that the settings name, for this process alone, and how to find out whether it can
    be reached."""
    element = settings.element
    if element.root is not None:
        async with _alone_in(element.root, element.id, element.mode, settings.journal) as storage:
            yield storage, []
    else:
        async with open_bucket(settings.s3, element.id, element.mode) as opened:
            yield opened.storage, [Check("store", opened.reach, Health.DEGRADED)]


@asynccontextmanager
async def open_alone(root: Path, settings: CommandSettings) -> AsyncIterator[Alone]:
    """Take over and recover the element that is in `root`, and nothing beside it; `OSError` when there is none."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    async with _alone_in(root, block.element_id, block.mode, settings.journal) as storage:
        await recover(storage)
        committer = Committer(storage.journal, storage.files, block.element_id, lambda _: None)
        nothing_replaced = Superseded(storage.files, Reservations(), 0)
        checkpoint = Checkpoint(committer, storage.files, storage.superblocks, nothing_replaced, settings.journal)
        measure = Measure(storage.files, settings.capacity)
        receiver = Receiver(storage.files, measure, committer, settings.journal.inline_bytes)
        yield Alone(storage, committer, checkpoint, receiver, settings.journal.inline_bytes)


@contextmanager
def _held_alone(root: Path) -> Iterator[None]:
    """The element's directory, held by this process alone; `ElementInUse`."""
    make_directories(root)
    with ExitStack() as stack:
        for name in (layout.LOCK, layout.NODES_LOCK):
            stack.callback(close, take_lock(root / name))
        yield


@asynccontextmanager
async def open_recovered(root: Path, settings: IndexSettings) -> AsyncIterator[tuple[Files, Index, int]]:
    """Take over and recover the element in `root`: its files, its index, and the last LSN that was committed."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    async with _alone_in(root, block.element_id, block.mode, settings.journal) as storage:
        await recover(storage)
        async with _index(settings.postgres, block.element_id, storage.journal.epoch) as index:
            yield storage.files, index, storage.journal.durable_lsn


@asynccontextmanager
async def open_as_it_is(root: Path, settings: IndexSettings) -> AsyncIterator[tuple[Files, Index]]:
    """The files and the index of the element in `root`, to be read."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    with (
        ThreadPoolExecutor(1, "io") as executor,
        closing(FilesInThreads(LocalFiles(root, Fence(root)), executor, Buffers())) as files,
    ):
        async with _index(settings.postgres, block.element_id) as index:
            yield files, index


@asynccontextmanager
async def _index(settings: PostgresSettings, element_id: str, epoch: int = 0) -> AsyncIterator[Index]:
    database = Database(settings, f"storage-element {element_id}")
    try:
        yield Index(database, element_id, epoch)
    finally:
        await database.close()


@asynccontextmanager
async def _alone_in(
    root: Path, element_id: str, mode: Mode, journal_settings: JournalSettings
) -> AsyncIterator[Storage]:
    """The element's directory, held by this process alone."""
    with ThreadPoolExecutor(IO_THREADS, "io") as executor, _held_alone(root):
        async with local_storage(root, element_id, journal_settings, executor, mode=mode) as (storage, _):
            yield storage


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


def node_checks(election: Election) -> Sequence[Check]:
    """What each of several nodes has, whatever its role."""
    return [Check("store", lambda: _answers(election))]


async def _answers(election: Election) -> CheckResult:
    if silent_s := election.silent_s():
        return CheckResult(health=Health.DEGRADED, detail=f"the storage has not answered for {silent_s:.1f} s")
    return CheckResult()


async def _unless_leading(election: Election, call: Callable[[], Awaitable[None]]) -> None:
    """The master finds damage itself."""
    if not election.is_leading:
        await call()


async def _master(election: Election) -> CheckResult:
    if election.master is None:
        return CheckResult(health=Health.DEGRADED, detail="no_master: reads only, until a node has taken over")
    return CheckResult()


async def _may_lead(election: Election) -> CheckResult:
    if not election.may_lead:
        return CheckResult(health=Health.DEGRADED, detail="storage_fault: does not become master before a restart")
    return CheckResult()


async def _storage(committer: Committer) -> CheckResult:
    if committer.fault:
        return CheckResult(health=Health.DEGRADED, detail="storage_fault: reads only, until a restart")
    return CheckResult()
