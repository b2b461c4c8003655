"""The element's workers: the two halves of group commit, the index, the checkpoint, the report."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from artstore_kit.contracts.errors import NoMaster, StorageFault, StorageFull, StorageUnavailable
from artstore_kit.workers import Background, run_forever
from storage_element.config import CommandSettings, Settings
from storage_element.factory import Alone, Services, open_alone, open_services

CHECKPOINT_LOOK_EVERY_S = 0.25
CAPACITY_LOOK_EVERY_S = 5.0
UPKEEP_PAUSE_S = 0.05
INDEX_EVERY_S = 0.1
"""A transaction for each batch of the journal, and an answer to everyone who follows the changes, would take as long as
the rest of the upload."""


@asynccontextmanager
async def running(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Services]:
    """The element with its workers; a clean stop ends with a checkpoint, so that nothing is left to replay."""
    async with open_services(settings, stopping) as services, Background() as background:
        committer, checkpoint = services.committer, services.checkpoint
        await background.start("placing", committer.run_placing())
        await background.start("commit", committer.run())
        await background.start("index", run_forever("index", INDEX_EVERY_S, services.indexer.round))
        await background.start("checkpoint", run_forever("checkpoint", CHECKPOINT_LOOK_EVERY_S, checkpoint.run_if_due))
        await background.start(
            "uploads", run_forever("uploads", settings.uploads.reap_interval_s, services.uploads.reap)
        )
        await background.start("report", run_forever("report", settings.report.interval_s, services.reporter.round))
        await background.start("capacity", run_forever("capacity", CAPACITY_LOOK_EVERY_S, services.care.capacity.round))
        await background.start("expiry", run_forever("expiry", settings.expiry.interval_s, services.care.expirer.round))
        await background.start("reconcile", run_forever("reconcile", UPKEEP_PAUSE_S, services.care.reconciler.round))
        await background.start("scrub", run_forever("scrub", UPKEEP_PAUSE_S, services.care.scrubber.round))
        yield services
        with suppress(StorageFull, StorageFault, NoMaster, StorageUnavailable):  # then the next start replays
            await checkpoint.run()


@asynccontextmanager
async def running_alone(root: Path, settings: CommandSettings) -> AsyncIterator[Alone]:
    """An element that takes writes from this process alone; at the end all of them are synced as plain files."""
    async with open_alone(root, settings) as alone, Background() as background:
        await background.start("placing", alone.committer.run_placing())
        await background.start("commit", alone.committer.run())
        checkpoint = alone.checkpoint
        await background.start("checkpoint", run_forever("checkpoint", CHECKPOINT_LOOK_EVERY_S, checkpoint.run_if_due))
        yield alone
        await checkpoint.run()
