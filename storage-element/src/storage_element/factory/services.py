"""What an element is made of while it takes writes: all its services over its storage."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields

from artstore_kit.audit.opening import deliver_from, open_spool
from artstore_kit.audit.spool import Spool
from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.elements import ElementState
from artstore_kit.health import Check, CheckResult, Health
from artstore_kit.postgres import Database
from artstore_kit.tokens.issuer import RemoteIssuer
from artstore_kit.tokens.service_token import ServiceToken
from artstore_kit.workers import Background
from storage_element.adapters.index import Index
from storage_element.adapters.machine_clock import machine_clock
from storage_element.config import Settings
from storage_element.domain.storage import Storage
from storage_element.factory.storage import IO_THREADS
from storage_element.services.care import Care, care_for
from storage_element.services.catalog import Catalog
from storage_element.services.changes import ChangeFeed
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.clock_watch import ClockWatch
from storage_element.services.commit import Committer
from storage_element.services.contain import Containment
from storage_element.services.four_eyes import FourEyes
from storage_element.services.holds import Holds
from storage_element.services.indexing import Indexer
from storage_element.services.measure import Measure
from storage_element.services.modes import Modes
from storage_element.services.open_uploads import OpenUploads
from storage_element.services.read import Reader
from storage_element.services.receive import Receiver
from storage_element.services.recover import recover
from storage_element.services.report import Reporter
from storage_element.services.reservations import Reservations
from storage_element.services.superseded import Superseded
from storage_element.services.tell import Teller
from storage_element.services.uploads import UploadSessions
from storage_element.services.write import Writer
from storage_element.services.write_many import ManyWriter


@dataclass
class Services:
    """What requests and workers can ask of this element. What a node offers changes with its role."""

    writer: Writer
    holds: Holds
    four_eyes: FourEyes
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
    spool: Spool
    issuer: RemoteIssuer
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
    issuer: RemoteIssuer
    spool: Spool
    delivery: Check


@asynccontextmanager
async def open_surroundings(settings: Settings) -> AsyncIterator[Surroundings]:
    """Threads, connections, and the audit log's spool: opened first, closed last."""
    async with AsyncExitStack() as stack:
        background = await stack.enter_async_context(Background())
        node = "/".join(filter(None, (settings.element.id, settings.node.id)))
        spool = await open_spool(background, settings.audit, "storage-element", node)
        executor = stack.enter_context(ThreadPoolExecutor(IO_THREADS, "io"))
        database = Database(settings.postgres, f"storage-element {settings.element.id}")
        stack.push_async_callback(database.close)
        token = ServiceToken.of(settings.admin, settings.account)
        stack.push_async_callback(token.close)
        admin = AdminClient.of(settings.admin, token)
        stack.push_async_callback(admin.close)
        issuer = RemoteIssuer(settings.tokens, admin)
        stack.push_async_callback(issuer.close)
        sending = await stack.enter_async_context(Background())
        delivery = await deliver_from(sending, spool, admin.append_audit)
        yield Surroundings(executor, database, admin, issuer, spool, delivery)


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
    journal, files, superblocks = storage.journal, storage.files, storage.superblocks
    teller = Teller(around.spool, journal, superblocks)
    pending = await recover(storage, teller)
    index = Index(around.database, settings.element.id, journal.epoch)
    indexer = Indexer(index, files, pending, journal.durable_lsn, superblocks.confirm)
    committer = Committer(journal, files, settings.element.id, teller, indexer.add)
    reservations = Reservations()
    superseded = Superseded(files, reservations, settings.content.replaced_grace_s)
    checkpoint = Checkpoint(
        committer, files, superblocks, superseded=superseded, teller=teller, settings=settings.journal
    )
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
        holds=Holds(writer),
        four_eyes=FourEyes(around.admin),
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
        spool=around.spool,
        issuer=around.issuer,
        checks=[
            Check("storage", lambda: _storage(committer, teller)),
            *care.checks,
            *checks,
            around.delivery,
            Check("postgres", index.check, Health.DEGRADED),
        ],
    )


async def _storage(committer: Committer, teller: Teller) -> CheckResult:
    if committer.fault:
        return CheckResult(health=Health.DEGRADED, detail="storage_fault: reads only, until a restart")
    if teller.is_behind:
        return CheckResult(health=Health.DEGRADED, detail="the audit spool takes no entries: the journal is kept")
    return CheckResult()
