"""`artstore-element check`: is every document there, and intact?"""

import argparse
import json
import sys
import time
from dataclasses import asdict

from storage_element.adapters.local import disk
from storage_element.command.terminal import DAMAGED, DONE, counted, takes_directory, telling
from storage_element.domain import layout
from storage_element.services.inspect import Inspection, inspect

DESCRIPTION = """Checks that every document in an element's directory is there and intact: its attributes can be
read and lie where its id says, its content has the size and the sha-256 that they name, and the journal can be
replayed. Changes nothing. Stop the element first, or check a copy.

exit codes: 0 all is sound; 1 something is damaged or missing; 2 it could not be checked"""
FAILED = "was not checked"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    takes_directory(parser)
    parser.add_argument("--quick", action="store_true", help="compare sizes only, do not read the content")
    parser.add_argument("--json", action="store_true", help="the report as one JSON document on standard output")


def run(given: argparse.Namespace) -> int:
    """Check; the exit code."""
    began = time.monotonic()
    hashing = not given.quick
    with disk.nobody_serves(given.root / layout.LOCK, given.root / layout.NODES_LOCK):
        inspection = inspect(given.root, hashing=hashing, progress=telling(_progress))
    seconds = time.monotonic() - began
    sys.stdout.write(_json(inspection, seconds) if given.json else _text(inspection, seconds, hashing=hashing))
    return DONE if inspection.is_sound else DAMAGED


def _progress(inspection: Inspection) -> str:
    return f"{_amount(inspection)}, {len(inspection.findings):,} findings"


def _amount(inspection: Inspection) -> str:
    return counted(inspection.documents, inspection.content_bytes)


def _text(inspection: Inspection, seconds: float, *, hashing: bool) -> str:
    block = inspection.superblock
    lines = [f"element {block.element_id}, mode {block.mode.value}, epoch {block.epoch}"]
    lines += [f"{each.kind.value}  {each.path}: {each.detail}" for each in inspection.findings]
    if inspection.pending:
        lines.append(f"not stopped in order: {inspection.pending:,} documents wait for a replay, and were not checked")
    looked_at = "content read" if hashing else "sizes compared"
    verdict = "sound" if inspection.is_sound else "DAMAGED"
    lines.append(f"{_amount(inspection)}, {looked_at} in {seconds:.1f} s: {verdict}")
    return "".join(f"{line}\n" for line in lines)


def _json(inspection: Inspection, seconds: float) -> str:
    report = {
        "element_id": inspection.superblock.element_id,
        "mode": inspection.superblock.mode.value,
        "epoch": inspection.superblock.epoch,
        "sound": inspection.is_sound,
        "documents": inspection.documents,
        "content_bytes": inspection.content_bytes,
        "pending": inspection.pending,
        "seconds": round(seconds, 3),
        "findings": [{**asdict(each), "is_damage": each.kind.is_damage} for each in inspection.findings],
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"
