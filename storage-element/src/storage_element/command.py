"""`artstore-element`: an operator's look at an element's directory. It needs no fleet and no database."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from storage_element.adapters.local import disk
from storage_element.domain import layout
from storage_element.domain.storage import ElementInUse
from storage_element.services.inspect import Inspection, inspect

SOUND, DAMAGED, NOT_CHECKED = 0, 1, 2
TELL_EVERY_S = 1.0
CHECK = """Checks that every document in an element's directory is there and intact: its attributes can be read and lie
where its id says, its content has the size and the sha-256 that they name, and the journal can be replayed. Changes
nothing. Stop the element first, or check a copy.

exit codes: 0 all is sound; 1 something is damaged or missing; 2 it could not be checked"""


def main() -> int:
    """Carry out the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="artstore-element", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check",
        help="is every document there and intact?",
        description=CHECK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("root", type=Path, help="the element's directory, which holds element.json")
    check.add_argument("--quick", action="store_true", help="compare sizes only, do not read the content")
    check.add_argument("--json", action="store_true", help="the report as one JSON document on standard output")
    given = parser.parse_args()
    try:
        return _check(given.root, hashing=not given.quick, as_json=given.json)
    except (OSError, ValueError, ElementInUse) as error:
        told = " ".join(str(error).split())
        sys.stderr.write(f"artstore-element: {given.root} was not checked: {told}\n")
        return NOT_CHECKED


def _check(root: Path, *, hashing: bool, as_json: bool) -> int:
    began = time.monotonic()
    with disk.nobody_serves(root / layout.LOCK):
        inspection = inspect(root, hashing=hashing, progress=_telling())
    seconds = time.monotonic() - began
    sys.stdout.write(_json(inspection, seconds) if as_json else _text(inspection, seconds, hashing=hashing))
    return SOUND if inspection.is_sound else DAMAGED


def _telling() -> Callable[[Inspection], None]:
    """Progress on standard error, when somebody is there to read it."""
    told_at = time.monotonic()

    def tell(inspection: Inspection) -> None:
        nonlocal told_at
        if sys.stderr.isatty() and time.monotonic() - told_at >= TELL_EVERY_S:
            told_at = time.monotonic()
            sys.stderr.write(f"\r{_amount(inspection)}, {len(inspection.findings):,} findings \r")

    return tell


def _amount(inspection: Inspection) -> str:
    return f"{inspection.documents:,} documents, {inspection.content_bytes / 1e6:,.1f} MB"


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


if __name__ == "__main__":
    sys.exit(main())
