"""`artstore-element rebuild-index`: the index of a stopped element, made of its files alone, or compared with them."""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from artstore_kit.settings import load
from artstore_kit.start import StartRefused
from storage_element.adapters.index import Index
from storage_element.adapters.local import disk
from storage_element.adapters.local.bare_element import bare_element
from storage_element.command.terminal import DAMAGED, DONE, takes_directory
from storage_element.config import IndexSettings
from storage_element.domain import layout
from storage_element.factory.command import open_as_it_is, open_recovered
from storage_element.services.rebuild import rebuild, root_of_files, root_of_index

DESCRIPTION = """Builds the index of a stopped element anew, from its files alone, and compares the two: by the root
of a Merkle tree over ids, attributes and digests (docs/formats/index-root.md). With --verify it compares only, and
changes nothing. The database is that of the service: ARTSTORE_POSTGRES__URL and its like.

exit codes: 0 the index is equal to the files; 1 it is not (with --verify only); 2 it could not be rebuilt, or not
compared"""
FAILED = "has no new index"


class NotStoppedInOrder(StartRefused):
    """Documents wait for a replay."""


@dataclass(frozen=True)
class Sum:
    """How many files there are, and the root over them."""

    files: int
    root: str


@dataclass(frozen=True)
class Compared:
    """The files, the index as it was found (None when it was never built), and whether it was built anew."""

    from_files: Sum
    found: Sum | None
    is_rebuilt: bool

    @property
    def was_equal(self) -> bool:
        """Whether the index that was found shows what the files say."""
        return self.found == self.from_files


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    takes_directory(parser)
    parser.add_argument("--verify", action="store_true", help="compare only")
    parser.add_argument("--json", action="store_true", help="the outcome as one JSON document on standard output")


def run(given: argparse.Namespace) -> int:
    """Rebuild or compare; the exit code."""
    began = time.monotonic()
    settings = load(IndexSettings)
    compared = asyncio.run((_verify if given.verify else _rebuild)(given.root, settings))
    seconds = time.monotonic() - began
    sys.stdout.write(_json(compared, seconds) if given.json else _text(compared, seconds))
    return DONE if compared.is_rebuilt or compared.was_equal else DAMAGED


async def _rebuild(root: Path, settings: IndexSettings) -> Compared:
    async with open_recovered(root, settings) as (files, index, last_lsn):
        found = await _found(index)
        rebuilt = await rebuild(index, files, last_lsn, news=list)
        return Compared(Sum(rebuilt.files, rebuilt.root), found, is_rebuilt=True)


async def _verify(root: Path, settings: IndexSettings) -> Compared:
    with disk.nobody_serves(root / layout.LOCK, root / layout.NODES_LOCK):
        _must_be_in_place(root)
        async with open_as_it_is(root, settings) as (files, index):
            return Compared(Sum(*await root_of_files(files)), await _found(index), is_rebuilt=False)


def _must_be_in_place(root: Path) -> None:
    with bare_element(root) as element:
        if element.journal_damage or element.pending:
            waiting = element.journal_damage or f"{element.pending:,} documents wait for a replay"
            raise NotStoppedInOrder(f"{waiting}; start it once, or rebuild")


async def _found(index: Index) -> Sum | None:
    if await index.applied_lsn() is None:
        return None
    return Sum(*await root_of_index(index))


def _text(compared: Compared, seconds: float) -> str:
    lines = [f"files: {_told(compared.from_files)}"]
    lines.append(f"index: {_told(compared.found) if compared.found else 'was never built'}")
    if compared.is_rebuilt:
        lines.append(f"rebuilt in {seconds:.1f} s, and equal now")
    else:
        lines.append(f"compared in {seconds:.1f} s: {'equal' if compared.was_equal else 'NOT EQUAL'}")
    return "".join(f"{line}\n" for line in lines)


def _told(found: Sum) -> str:
    return f"{found.files:,} documents, root {found.root}"


def _json(compared: Compared, seconds: float) -> str:
    report = {
        "files": asdict(compared.from_files),
        "index": asdict(compared.found) if compared.found else None,
        "was_equal": compared.was_equal,
        "rebuilt": compared.is_rebuilt,
        "seconds": round(seconds, 3),
    }
    return json.dumps(report, indent=2) + "\n"
