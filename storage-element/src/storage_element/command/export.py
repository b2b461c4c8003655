"""`artstore-element export`: documents into a bag."""

import argparse
import json
import sys
import time
from contextlib import closing
from pathlib import Path

from artstore_kit.contracts.ids import parse_file_id
from storage_element.adapters.bag_writer import BagWriter
from storage_element.adapters.local.bare_element import bare_element
from storage_element.command.terminal import DAMAGED, DONE, counted, takes_directory, tell, telling
from storage_element.services.export import Exported, Exporter, Wanted

DESCRIPTION = """Makes the directory TARGET: a bag (RFC 8493) of all documents, or of those that are named, with
their attributes, as the element holds them. Each content is compared with its sha-256 on the way. The bag comes to be
whole or not at all: what is under way is called TARGET.partial and is no bag. Changes nothing in the element, which
may be running.

exit codes: 0 the bag is made; 1 something is damaged, and told: there is no bag, or, --without-damaged, one of the
rest; 2 there is no bag"""
FAILED = "was not exported"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    takes_directory(parser)
    parser.add_argument("target", metavar="TARGET", type=Path, help="a directory that does not exist yet")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--id", action="append", default=[], help="export this document; may be given again")
    which.add_argument("--collection", action="append", default=[], help="this one, or a pattern ('hr/*'); likewise")
    left_out = "make the bag of what is sound; bag-info.txt names what is left out"
    parser.add_argument("--without-damaged", action="store_true", help=left_out)
    parser.add_argument("--json", action="store_true", help="the outcome as one JSON document on standard output")


def run(given: argparse.Namespace) -> int:
    """Export; the exit code."""
    began = time.monotonic()
    wanted = Wanted(tuple(dict.fromkeys(map(parse_file_id, given.id))), tuple(given.collection))
    with bare_element(given.root) as element, closing(BagWriter(given.target)) as bag:
        exported = Exporter(element, bag, telling(_amount)).run(wanted, without_damaged=given.without_damaged)
    for what, why in exported.damaged:
        tell(f"{what}: {why}")
    seconds = time.monotonic() - began
    sys.stdout.write(_json(exported, given.target, seconds) if given.json else _text(exported, given.target, seconds))
    return DAMAGED if exported.damaged else DONE


def _amount(exported: Exported) -> str:
    return counted(exported.documents, exported.content_bytes)


def _text(exported: Exported, target: Path, seconds: float) -> str:
    if not exported.is_complete:
        return f"{len(exported.damaged):,} damaged: no bag was made; --without-damaged makes one of the rest\n"
    left_out = f", {len(exported.damaged):,} damaged left out" if exported.damaged else ""
    return f"{target}: {_amount(exported)} in {seconds:.1f} s{left_out}\n"


def _json(exported: Exported, target: Path, seconds: float) -> str:
    report = {
        "bag": str(target) if exported.is_complete else None,
        "documents": exported.documents,
        "content_bytes": exported.content_bytes,
        "damaged": [{"what": what, "why": why} for what, why in exported.damaged],
        "seconds": round(seconds, 3),
    }
    return json.dumps(report, ensure_ascii=False, indent=2) + "\n"
