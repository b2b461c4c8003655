"""`artstore-element scrub`: every content of a stopped element, read again from the disk at a pace."""

import argparse
import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from artstore_kit.settings import load
from storage_element.command.terminal import DAMAGED, DONE, counted, takes_directory, tell, telling
from storage_element.config import CommandSettings
from storage_element.domain.verification import ScrubState, ScrubStatus
from storage_element.services.scrub import Scrubber
from storage_element.workers.start import running_alone

DESCRIPTION = """Reads every content of a stopped element again, from the disk, against its sha-256, as the element does
by itself while it runs. What is damaged is moved to quarantine/, with its reason. A scrub that was cut off, here or in
the running element, goes on where it was; else a new one begins. Stop the element first.

exit codes: 0 all is sound; 1 something is damaged, or the scrub stopped itself since too much was; 2 it could not be
done"""
FAILED = "was not scrubbed"
LOOK_EVERY_S = 0.2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    takes_directory(parser)
    parser.add_argument("--mib-per-s", type=float, help="read in a second, at most; else as the settings say")
    parser.add_argument("--json", action="store_true", help="the outcome as one JSON document on standard output")


def run(given: argparse.Namespace) -> int:
    """Scrub; the exit code."""
    settings = load(CommandSettings)
    if given.mib_per_s is not None:
        fields = settings.scrub.model_dump() | {"mib_per_s": given.mib_per_s}
        settings.scrub = type(settings.scrub).model_validate(fields)
    status = asyncio.run(_scrub(given.root, settings))
    for file_id in status.damaged:
        tell(f"{file_id}: is damaged; quarantine/ says how")
    sys.stdout.write(status.model_dump_json(indent=2) + "\n" if given.json else _text(status))
    return DONE if status.state is ScrubState.IDLE and not status.damaged else DAMAGED


async def _scrub(root: Path, settings: CommandSettings) -> ScrubStatus:
    async with running_alone(root, settings) as alone:
        scrubber = await alone.scrubber(settings.scrub.model_copy(update={"enabled": True}))
        looking = asyncio.create_task(_look_at(scrubber))
        try:
            scrubber.start()
            await scrubber.round()
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
        return scrubber.status()


async def _look_at(scrubber: Scrubber) -> None:
    progress = telling(_amount)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        progress(scrubber.status())


def _amount(status: ScrubStatus) -> str:
    return f"{counted(status.cursor.files, status.cursor.size_bytes)} read, {len(status.damaged):,} damaged"


def _text(status: ScrubStatus) -> str:
    ended = f"STOPPED: {status.cursor.stopped_because}" if status.cursor.stopped_because else "read to the end"
    return f"{_amount(status)}: {ended}\n"
