"""How the commands talk: data on standard output, everything else on standard error, and what exit codes say."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

DONE, DAMAGED, NOT_DONE = 0, 1, 2
EXIT_CODES = "exit codes: 0 {done}; 1 {damaged}; 2 {not_done}"
TELL_EVERY_S = 1.0


def takes_directory(parser: argparse.ArgumentParser) -> None:
    """The one thing that every command is given."""
    parser.add_argument("root", metavar="DIRECTORY", type=Path, help="which holds the element's element.json")


def tell(text: str) -> None:
    """A line for whoever sits there; nothing that came from outside reaches a terminal as a command."""
    sys.stderr.write(f"artstore-element: {printable(text)}\n")


def printable(text: str) -> str:
    """Names come from anybody, and say nothing to a terminal."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def telling[T](amount: Callable[[T], str]) -> Callable[[T], None]:
    """Progress on standard error, now and then, when somebody is there to read it."""
    told_at = time.monotonic()

    def progress(so_far: T) -> None:
        nonlocal told_at
        if sys.stderr.isatty() and time.monotonic() - told_at >= TELL_EVERY_S:
            told_at = time.monotonic()
            sys.stderr.write(f"\r{amount(so_far)} \r")

    return progress


def counted(documents: int, content_bytes: int) -> str:
    """So many documents of so many bytes."""
    return f"{documents:,} documents, {content_bytes / 1e6:,.1f} MB"
