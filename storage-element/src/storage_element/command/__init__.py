"""`artstore-element`: what operators do with an element's directory. It needs no fleet."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.logs import start_logging
from artstore_kit.settings import LogSettings
from artstore_kit.start import StartRefused
from storage_element.command.terminal import NOT_DONE, tell

_ENDED_BY_SIGNAL = 128
_SIGINT, _SIGPIPE = 2, 13


class Room(Protocol):
    """A module of this package: one command."""

    DESCRIPTION: str
    FAILED: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command is given."""

    def run(self, given: argparse.Namespace) -> int:
        """Do it; the exit code."""
        ...


ROOMS = {
    "ls": ("listing", "which documents are there?"),
    "cat": ("cat", "the content of one document"),
    "check": ("check", "is every document there and intact?"),
    "export": ("export", "documents into a bag (BagIt 1.0)"),
    "import": ("importing", "the documents of a bag into a stopped element"),
    "scrub": ("scrubbing", "reads every content of a stopped element again, at a pace"),
    "rebuild-index": ("index", "the index of a stopped element, from its files alone"),
}
"""The module of each command, and what it does."""


def main() -> int:
    """Carry out the command line; the exit code."""
    room, given = _parsed(sys.argv[1:])
    start_logging("artstore-element", LogSettings(level="WARNING"), sys.stderr)
    try:
        code = room.run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _ENDED_BY_SIGNAL + _SIGPIPE
    except KeyboardInterrupt:
        return _ENDED_BY_SIGNAL + _SIGINT
    except (OSError, ValueError, StartRefused, ArtStoreError) as error:
        tell(f"{given.root} {room.FAILED}: {' '.join(str(error).split())}")
        return NOT_DONE
    return code


def _parsed(arguments: Sequence[str]) -> tuple[Room, argparse.Namespace]:
    """The room that is asked for, and what it is given. The others are not even loaded: that takes a second."""
    parser = argparse.ArgumentParser(prog="artstore-element", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    rooms: dict[str, Room] = {}
    for name, (module, what) in ROOMS.items():
        command = commands.add_parser(name, help=what, formatter_class=argparse.RawDescriptionHelpFormatter)
        if arguments and arguments[0] == name:
            rooms[name] = room = cast(Room, import_module(f"{__name__}.{module}"))
            command.description = room.DESCRIPTION
            room.arguments(command)
    given = parser.parse_args(arguments)
    return rooms[given.command], given
