"""`artstore-element import`: documents of a bag into a stopped element."""

import argparse
import asyncio
import json
import os
import pwd
import sys
import time
from pathlib import Path

from artstore_kit.contracts import modes
from artstore_kit.contracts.modes import Operation
from artstore_kit.settings import load
from storage_element.adapters.bag_reader import BagReader
from storage_element.command.terminal import DAMAGED, DONE, counted, takes_directory, tell, telling
from storage_element.config import CommandSettings
from storage_element.domain import layout
from storage_element.domain.bag_format import BadBag
from storage_element.domain.superblock import Superblock
from storage_element.services.import_bag import Imported, acceptable
from storage_element.workers.start import running_alone

DESCRIPTION = """Stores the documents of a bag that `export` made, with the attributes, holds, retention and revision
that they had. First the whole bag is judged: nothing of a bag that is not sound is stored. A document that is there
already is left as it is; so an import that was interrupted is just repeated. Stop the element first, and start it
afterwards: its index follows by itself. ARTSTORE_CAPACITY__RESERVE_BYTES and ARTSTORE_JOURNAL__* are heeded.
ARTSTORE_AUDIT__SPOOL_DIR is the service's: it delivers to the audit log what is noted there of each document.

exit codes: 0 all documents are in the element; 1 the bag is damaged, and nothing was stored, or other documents have
these ids; 2 it could not be imported, or not to its end"""
FAILED = "took no import"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    parser.add_argument("bag", metavar="BAG", type=Path, help="the bag's directory, which holds bagit.txt")
    takes_directory(parser)
    parser.add_argument("--json", action="store_true", help="the outcome as one JSON document on standard output")


def run(given: argparse.Namespace) -> int:
    """Import; the exit code."""
    began = time.monotonic()
    bag = BagReader(given.bag)
    try:
        documents = _judge(bag, given.root)
    except BadBag as error:
        tell(f"{given.bag} is no sound bag, and nothing was stored: {error}")
        return DAMAGED
    imported = asyncio.run(_import(bag, given.root))
    for file_id in imported.differing:
        tell(f"{file_id}: is there with other attributes, which are kept")
    for file_id, why in imported.refused:
        tell(f"{file_id}: {why}")
    seconds = time.monotonic() - began
    sys.stdout.write(_json(imported, documents, seconds) if given.json else _text(imported, documents, seconds))
    return DAMAGED if imported.refused else DONE


def _judge(bag: BagReader, root: Path) -> int:
    block = Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes())
    modes.require(block.mode, Operation.CREATE)
    return bag.judge(lambda file: acceptable(file, block), telling(_judged))


def _judged(bag: BagReader) -> str:
    return f"judging: {bag.judged_bytes / 1e6:,.1f} of {bag.payload_bytes / 1e6:,.1f} MB"


async def _import(bag: BagReader, root: Path) -> Imported:
    async with running_alone(root, load(CommandSettings)) as alone:
        importer = alone.importer(_operator(), telling(_amount))
        await importer.run(bag)
        return importer.imported


def _operator() -> str:
    """Who runs the command: by the system's word, which no variable changes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _amount(imported: Imported) -> str:
    return f"{counted(imported.stored, imported.stored_bytes)} stored, {imported.present:,} were there"


def _text(imported: Imported, documents: int, seconds: float) -> str:
    refused = f", {len(imported.refused):,} KEPT OUT" if imported.refused else ""
    return f"{documents:,} documents in the bag: {_amount(imported)}{refused} in {seconds:.1f} s\n"


def _json(imported: Imported, documents: int, seconds: float) -> str:
    report = {
        "documents": documents,
        "stored": imported.stored,
        "stored_bytes": imported.stored_bytes,
        "present": imported.present,
        "differing": [str(file_id) for file_id in imported.differing],
        "refused": [{"file_id": str(file_id), "why": why} for file_id, why in imported.refused],
        "seconds": round(seconds, 3),
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"
