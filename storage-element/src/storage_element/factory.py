"""The one room that names concrete classes: what an element is made of, opened in order, closed in reverse."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from os import close
from pathlib import Path

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.modes import Mode
from artstore_kit.health import Check, CheckResult, Health
from artstore_kit.postgres import Database
from artstore_kit.service_token import ServiceToken
from artstore_kit.settings import PostgresSettings
from storage_element.adapters.index import Index
from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.disk import make_directories, take_lock
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.adapters.local.threads import FilesInThreads, JournalInThread, SuperblocksInThread
from storage_element.adapters.local.upkeep import LocalUpkeep
from storage_element.adapters.local.uploads import LocalUploads
from storage_element.adapters.machine_clock import machine_clock
from storage_element.adapters.s3.opened import open_bucket
from storage_element.config import CommandSettings, IndexSettings, JournalSettings, ScrubSettings, Settings
from storage_element.domain import layout
from storage_element.domain.storage import Files, Storage
from storage_element.domain.superblock import Superblock
from storage_element.services.care import Care, care_for
from storage_element.services.catalog import Catalog
from storage_element.services.changes import ChangeFeed
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.clock_watch import ClockWatch
from storage_element.services.commit import Committer
from storage_element.services.contain import Containment
from storage_element.services.import_bag import Imported, Importer
from storage_element.services.indexing import Indexer
from storage_element.services.measure import Measure
from storage_element.services.modes import Modes
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


@dataclass(frozen=True)
class Services:
    """What requests and workers can ask of this element."""

    writer: Writer
    many_writer: ManyWriter
    uploads: UploadSessions
    reader: Reader
    feed: ChangeFeed
    catalog: Catalog
    reporter: Reporter
    committer: Committer
    checkpoint: Checkpoint
    indexer: Indexer
    care: Care
    checks: Sequence[Check]


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
async def open_services(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Services]:
    """Take the element over and recover it."""
    async with AsyncExitStack() as stack:
        storage, checks = await stack.enter_async_context(_storage_of(settings))
        pending = await recover(storage)
        journal, files, superblocks = storage.journal, storage.files, storage.superblocks

        index = await stack.enter_async_context(_index(settings.postgres, settings.element.id))
        indexer = Indexer(index, files, pending, journal.durable_lsn)
        committer = Committer(journal, files, settings.element.id, indexer.add)
        reservations = Reservations()
        superseded = Superseded(files, reservations, settings.content.replaced_grace_s)
        checkpoint = Checkpoint(committer, files, superblocks, superseded, settings.journal)
        measure = Measure(files, settings.capacity)
        containment = Containment(files, storage.upkeep, checkpoint, reservations)
        await containment.load()
        clock = ClockWatch(storage.upkeep, superblocks, machine_clock, settings.expiry)
        reader = Reader(files, superblocks, containment)
        token = ServiceToken.of(settings.admin, settings.account)
        stack.push_async_callback(token.close)
        admin = AdminClient.of(settings.admin, token)
        stack.push_async_callback(admin.close)
        reporter = Reporter(
            settings=settings.element,
            superblocks=superblocks,
            committer=committer,
            measure=measure,
            index=index,
            containment=containment,
            clock=clock,
            admin=admin,
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
async def _storage_of(settings: Settings) -> AsyncIterator[tuple[Storage, Sequence[Check]]]:
    """The directory or the bucket that the settings name, and how to find out that it can be reached."""
    element = settings.element
    if element.root is not None:
        async with _local_storage(element.root, element.id, element.mode, settings.journal) as storage:
            yield storage, []
    else:
        async with open_bucket(settings.s3, element.id, element.mode) as (storage, reach):
            yield storage, [Check("store", reach, Health.DEGRADED)]


@asynccontextmanager
async def open_alone(root: Path, settings: CommandSettings) -> AsyncIterator[Alone]:
    """Take over and recover the element that is in `root`, and nothing beside it; `OSError` when there is none."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    async with _local_storage(root, block.element_id, block.mode, settings.journal) as storage:
        await recover(storage)
        committer = Committer(storage.journal, storage.files, block.element_id, lambda _: None)
        nothing_replaced = Superseded(storage.files, Reservations(), 0)
        checkpoint = Checkpoint(committer, storage.files, storage.superblocks, nothing_replaced, settings.journal)
        measure = Measure(storage.files, settings.capacity)
        receiver = Receiver(storage.files, measure, committer, settings.journal.inline_bytes)
        yield Alone(storage, committer, checkpoint, receiver, settings.journal.inline_bytes)


@asynccontextmanager
async def open_recovered(root: Path, settings: IndexSettings) -> AsyncIterator[tuple[Files, Index, int]]:
    """Take over and recover the element in `root`: its files, its index, and the last LSN that was committed."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    async with (
        _local_storage(root, block.element_id, block.mode, settings.journal) as storage,
        _index(settings.postgres, block.element_id) as index,
    ):
        await recover(storage)
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
async def _index(settings: PostgresSettings, element_id: str) -> AsyncIterator[Index]:
    database = Database(settings, f"storage-element {element_id}")
    try:
        yield Index(database, element_id)
    finally:
        await database.close()


@asynccontextmanager
async def _local_storage(
    root: Path, element_id: str, mode: Mode, journal_settings: JournalSettings
) -> AsyncIterator[Storage]:
    """The element's directory, held by this process alone."""
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(IO_THREADS, "io"))
        await asyncio.to_thread(make_directories, root)
        stack.callback(close, take_lock(root / layout.LOCK))
        fence = Fence(root)
        superblocks = SuperblocksInThread(Superblocks(root, fence), executor)
        await superblocks.open(element_id, mode)
        buffers = Buffers()
        files = FilesInThreads(LocalFiles(root, fence), executor, buffers)
        stack.callback(files.close)
        journal = JournalInThread(Journal(root / layout.JOURNAL, element_id, journal_settings.segment_bytes, fence))
        stack.callback(journal.close)
        upkeep = LocalUpkeep(root, fence)
        stack.callback(upkeep.close)
        yield Storage(journal, files, superblocks, upkeep, LocalUploads(fence, executor, buffers))


async def _storage(committer: Committer) -> CheckResult:
    if committer.fault:
        return CheckResult(health=Health.DEGRADED, detail="storage_fault: reads only, until a restart")
    return CheckResult()
