"""What an operator's command opens: an element that no service runs on."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from artstore_kit.audit.spool import Spool
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from storage_element.adapters.index import Index
from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.threads import FilesInThreads
from storage_element.config import CommandSettings, IndexSettings, ScrubSettings
from storage_element.domain import layout
from storage_element.domain.storage import Files, Storage
from storage_element.domain.superblock import Superblock
from storage_element.factory.storage import alone_in
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.commit import Committer
from storage_element.services.contain import Containment
from storage_element.services.import_bag import Imported, Importer
from storage_element.services.measure import Measure
from storage_element.services.receive import Receiver
from storage_element.services.recover import recover
from storage_element.services.reservations import Reservations
from storage_element.services.scrub import Scrubber
from storage_element.services.superseded import Superseded
from storage_element.services.tell import Teller
from storage_element.services.verify import Verifier


@dataclass(frozen=True)
class Alone:
    """An element without API, index and report: what a command needs to bring documents in."""

    storage: Storage
    committer: Committer
    checkpoint: Checkpoint
    receiver: Receiver
    inline_bytes: int

    def importer(self, actor: str, progress: Callable[[Imported], None]) -> Importer:
        """Imports into this element; the audit log is told that `actor` did."""
        return Importer(
            committer=self.committer,
            files=self.storage.files,
            superblocks=self.storage.superblocks,
            receiver=self.receiver,
            inline_bytes=self.inline_bytes,
            actor=actor,
            progress=progress,
        )

    async def scrubber(self, settings: ScrubSettings) -> Scrubber:
        """Reads all content of this element again."""
        files, upkeep = self.storage.files, self.storage.upkeep
        containment = Containment(files, upkeep, self.checkpoint, Reservations())
        await containment.load()
        return Scrubber(upkeep, Verifier(files, upkeep, containment), containment, settings)


@asynccontextmanager
async def open_alone(root: Path, settings: CommandSettings) -> AsyncIterator[Alone]:
    """Take over and recover the element that is in `root`, and nothing beside it; `OSError` when there is none."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    async with _recovered(root, block, settings) as (storage, teller):
        committer = Committer(storage.journal, storage.files, block.element_id, teller, lambda _: None)
        checkpoint = Checkpoint(
            committer,
            storage.files,
            storage.superblocks,
            superseded=Superseded(storage.files, Reservations(), 0),
            teller=teller,
            settings=settings.journal,
        )
        measure = Measure(storage.files, settings.capacity)
        receiver = Receiver(storage.files, measure, committer, settings.journal.inline_bytes)
        yield Alone(storage, committer, checkpoint, receiver, settings.journal.inline_bytes)


@asynccontextmanager
async def open_recovered(root: Path, settings: IndexSettings) -> AsyncIterator[tuple[Files, Index, int]]:
    """Take over and recover the element in `root`: its files, its index, and the last LSN that was committed."""
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    async with (
        _recovered(root, block, settings) as (storage, _),
        _index(settings.postgres, block.element_id, storage.journal.epoch) as index,
    ):
        yield storage.files, index, storage.journal.durable_lsn


@asynccontextmanager
async def _recovered(root: Path, block: Superblock, settings: CommandSettings) -> AsyncIterator[tuple[Storage, Teller]]:
    """The audit log is told into the service's spool, from which the service delivers."""
    async with alone_in(root, block.element_id, block.mode, settings.journal) as storage:
        spool = Spool.opened(settings.audit, "storage-element", block.element_id)
        try:
            teller = Teller(spool, storage.journal, storage.superblocks)
            await recover(storage, teller)
            yield storage, teller
        finally:
            await spool.close()


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
