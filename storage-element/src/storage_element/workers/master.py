"""The workers of an element's master: the two halves of group commit, index, checkpoint, report, and care."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial

from artstore_kit.contracts.errors import (
    AuditSpoolFault,
    AuditSpoolFull,
    NoMaster,
    StorageFault,
    StorageFull,
    StorageUnavailable,
)
from artstore_kit.workers import Background, run_forever
from storage_element.config import Settings
from storage_element.domain.storage import Fenced
from storage_element.factory.services import Services
from storage_element.services.commit import Committer

CHECKPOINT_LOOK_EVERY_S = 0.25
CAPACITY_LOOK_EVERY_S = 5.0
UPKEEP_PAUSE_S = 0.05
REPLAYED_LATER = (StorageFull, StorageFault, NoMaster, StorageUnavailable, AuditSpoolFull, AuditSpoolFault)
"""Why the last checkpoint may not come about: then the next start replays the journal."""

INDEX_EVERY_S = 0.1
"""A transaction for each batch of the journal, and an answer to everyone who follows the changes, would take as long as
the rest of the upload."""


@asynccontextmanager
async def working(settings: Settings, opened: AbstractAsyncContextManager[Services]) -> AsyncIterator[Services]:
    """The element with its workers; a clean stop ends with a checkpoint, so that nothing is left to replay.

    Whoever waits for a commit has been told when this ends.
    """
    async with opened as services, Background() as background:
        committer, checkpoint = services.committer, services.checkpoint
        await background.start("placing", committer.run_placing())
        await background.start("commit", committer.run())
        rounds = {
            "index": (INDEX_EVERY_S, services.indexer.round),
            "checkpoint": (CHECKPOINT_LOOK_EVERY_S, checkpoint.run_if_due),
            "uploads": (settings.uploads.reap_interval_s, services.uploads.reap),
            "report": (settings.report.interval_s, services.reporter.round),
            "capacity": (CAPACITY_LOOK_EVERY_S, services.care.capacity.round),
            "expiry": (settings.expiry.interval_s, services.care.expirer.round),
            "reconcile": (UPKEEP_PAUSE_S, services.care.reconciler.round),
            "scrub": (UPKEEP_PAUSE_S, services.care.scrubber.round),
            "suspects": (UPKEEP_PAUSE_S, services.care.scrubber.round_of_suspects),
        }
        for name, (interval_s, call) in rounds.items():
            await background.start(name, run_forever(name, interval_s, partial(_unless_fenced, committer, call)))
        try:
            yield services
        finally:
            await committer.close()
        with suppress(*REPLAYED_LATER):
            await checkpoint.run()


async def _unless_fenced(committer: Committer, call: Callable[[], Awaitable[object]]) -> None:
    """Whoever finds first that another node has taken over tells it to all."""
    try:
        await call()
    except Fenced as error:
        committer.fail(error)
        raise committer.refusal() from error
