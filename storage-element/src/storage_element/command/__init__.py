"""`artstore-element`: what operators do with an element's directory. It needs no fleet and no database."""

import argparse
import os
import sys
from pathlib import Path
from typing import Protocol

from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.start import StartRefused
from storage_element.command import cat, check, export, listing
from storage_element.command.terminal import NOT_DONE, tell

_ENDED_BY_SIGNAL = 128
_SIGINT, _SIGPIPE = 2, 13


class Room(Protocol):
    """A module of this package: one command."""

    HELP: str
    DESCRIPTION: str
    FAILED: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command is given."""

    def run(self, given: argparse.Namespace) -> int:
        """Do it; the exit code."""
        ...


ROOMS: dict[str, Room] = {"check": check, "ls": listing, "cat": cat, "export": export}


def main() -> int:
    """Carry out the command line; the exit code."""
    given = _parser().parse_args()
    room = ROOMS[given.command]
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="artstore-element", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, room in ROOMS.items():
        command = commands.add_parser(
            name,
            help=room.HELP,
            description=room.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("root", metavar="DIRECTORY", type=Path, help="which holds the element's element.json")
        room.arguments(command)
    return parser
