"""The element's care of what it keeps: reconciling, scrubbing, expiring; and how it is with that."""

from collections.abc import Sequence
from dataclasses import dataclass

from artstore_kit.health import Check, CheckResult, Health
from storage_element.adapters.index import Index
from storage_element.config import Settings
from storage_element.domain.storage import Storage
from storage_element.services.capacity import CapacityWatch
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.clock_watch import ClockWatch
from storage_element.services.compare import Comparer
from storage_element.services.compare_index import IndexComparer
from storage_element.services.contain import Containment
from storage_element.services.expire import Expirer
from storage_element.services.indexing import Indexer
from storage_element.services.measure import Measure
from storage_element.services.modes import Modes
from storage_element.services.reconcile import Reconciler
from storage_element.services.reservations import Reservations
from storage_element.services.scrub import Scrubber
from storage_element.services.superseded import Superseded
from storage_element.services.verify import Verifier
from storage_element.services.write import Writer


@dataclass(frozen=True)
class Care:
    """What runs beside the requests to keep the element true."""

    scrubber: Scrubber
    reconciler: Reconciler
    expirer: Expirer
    capacity: CapacityWatch
    checks: Sequence[Check]


def care_for(
    settings: Settings,
    storage: Storage,
    *,
    index: Index,
    indexer: Indexer,
    writer: Writer,
    containment: Containment,
    clock: ClockWatch,
    measure: Measure,
    modes: Modes,
    checkpoint: Checkpoint,
    reservations: Reservations,
    superseded: Superseded,
) -> Care:
    """All of it, over one element."""
    upkeep = storage.upkeep
    verifier = Verifier(storage.files, upkeep, containment)
    comparer = Comparer(
        files=storage.files,
        upkeep=upkeep,
        index=IndexComparer(index, storage.superblocks, containment),
        containment=containment,
        verifier=verifier,
        checkpoint=checkpoint,
        reservations=reservations,
        superseded=superseded,
    )
    return Care(
        scrubber=Scrubber(upkeep, verifier, containment, settings.scrub),
        reconciler=Reconciler(upkeep, comparer, indexer, settings.reconcile),
        expirer=Expirer(index, writer, storage.superblocks, clock, settings.expiry),
        capacity=CapacityWatch(upkeep, measure, modes, settings.capacity),
        checks=[Check("content", lambda: _content(containment)), Check("clock", lambda: _clock(clock))],
    )


async def _content(containment: Containment) -> CheckResult:
    if count := len(containment.damaged):
        return CheckResult(health=Health.DEGRADED, detail=f"content_corrupt: {count} files; quarantine/ says which")
    return CheckResult()


async def _clock(clock: ClockWatch) -> CheckResult:
    if clock.doubt:
        return CheckResult(health=Health.DEGRADED, detail=f"nothing expires: {clock.doubt}")
    return CheckResult()
