"""The element's workers: the two halves of group commit, the index, the checkpoint, the report."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from artstore_kit.workers import Background, run_forever
from storage_element.config import CommandSettings, Settings
from storage_element.factory.command import Alone, open_alone
from storage_element.factory.services import Services, Surroundings, open_services, open_surroundings
from storage_element.factory.storage import open_storage
from storage_element.workers.master import CHECKPOINT_LOOK_EVERY_S, working
from storage_element.workers.node import running_node


@asynccontextmanager
async def running(settings: Settings, stopping: asyncio.Event) -> AsyncIterator[Services]:
    """The element: served by this process alone, or by one of its nodes."""
    async with open_surroundings(settings) as around:
        if settings.node.id:
            async with running_node(settings, stopping, around) as services:
                yield services
        else:
            async with _only_one(settings, stopping, around) as services:
                yield services


@asynccontextmanager
async def _only_one(settings: Settings, stopping: asyncio.Event, around: Surroundings) -> AsyncIterator[Services]:
    async with (
        open_storage(settings) as (storage, checks),
        working(settings, open_services(settings, stopping, around, storage, checks=checks)) as services,
    ):
        yield services


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
