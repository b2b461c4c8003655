"""`artstore-element cat`: the content of one document."""

import argparse
import sys

from artstore_kit.contracts.ids import parse_file_id
from storage_element.adapters.local.bare_element import Unreadable, bare_element
from storage_element.command.terminal import DAMAGED, DONE, takes_directory, tell
from storage_element.services.look import given_content

DESCRIPTION = """Writes the content of a document to standard output as it was given, and compares it with its
sha-256. Changes nothing; the element may be running.

exit codes: 0 the whole content was written; 1 it is damaged: what was written is not the document; 2 there is no such
document, or it could not be looked for"""
FAILED = "was not read"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    takes_directory(parser)
    parser.add_argument("id", metavar="ID", help="of the document")


def run(given: argparse.Namespace) -> int:
    """Write it; the exit code."""
    file_id = parse_file_id(given.id)
    with bare_element(given.root) as element:
        if element.journal_damage:
            tell(f"journal: {element.journal_damage}")
        try:
            for piece in given_content(element, file_id):
                sys.stdout.buffer.write(piece)
        except Unreadable as error:
            tell(f"{file_id}: {error}")
            return DAMAGED
        return DAMAGED if element.journal_damage else DONE
