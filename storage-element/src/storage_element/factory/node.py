"""What one of several nodes is made of: its part in the election, and its services while another is the master."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from artstore_kit.health import Check, CheckResult, Health
from artstore_kit.redis import connect
from artstore_kit.workers import Background, run_forever
from storage_element.adapters.index import Index
from storage_element.adapters.lease import Lease
from storage_element.config import Settings
from storage_element.domain.storage import Storage
from storage_element.factory.services import Services, Surroundings
from storage_element.services.catalog import Catalog
from storage_element.services.changes import ChangeFeed, Ticks
from storage_element.services.contain import Containment
from storage_element.services.election import Election
from storage_element.services.follow import Follower
from storage_element.services.four_eyes import FourEyes
from storage_element.services.only_at_master import OnlyAtMaster
from storage_element.services.read import Reader
from storage_element.services.reservations import Reservations

TICK_S = 0.5
QUARANTINE_EVERY_S = 5.0


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
            holds=master,
            four_eyes=FourEyes(around.admin),
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
            spool=around.spool,
            issuer=around.issuer,
            checks=[
                Check("master", lambda: _master(election)),
                Check("storage", lambda: _may_lead(election)),
                *node_checks(election),
                around.delivery,
                Check("postgres", index.check, Health.DEGRADED),
            ],
        )


async def _unless_leading(election: Election, call: Callable[[], Awaitable[None]]) -> None:
    """The master finds damage itself."""
    if not election.is_leading:
        await call()


def node_checks(election: Election) -> Sequence[Check]:
    """What each of several nodes has, whatever its role."""
    return [Check("store", lambda: _answers(election))]


async def _answers(election: Election) -> CheckResult:
    if silent_s := election.silent_s():
        return CheckResult(health=Health.DEGRADED, detail=f"the storage has not answered for {silent_s:.1f} s")
    return CheckResult()


async def _master(election: Election) -> CheckResult:
    if election.master is None:
        return CheckResult(health=Health.DEGRADED, detail="no_master: reads only, until a node has taken over")
    return CheckResult()


async def _may_lead(election: Election) -> CheckResult:
    if not election.may_lead:
        return CheckResult(health=Health.DEGRADED, detail="storage_fault: does not become master before a restart")
    return CheckResult()
