"""`artstore-element ls`: which documents there are."""

import argparse
import json
import sys

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import FileAttributes
from storage_element.adapters.local.bare_element import Unreadable, bare_element
from storage_element.command.terminal import DAMAGED, DONE, printable, takes_directory, tell
from storage_element.services.look import look_at

DESCRIPTION = """Lists the documents in an element's directory, in the order of their ids: id, size, when, collection,
name. Documents that only the journal knows, because the element was not stopped in order, are listed too. Changes
nothing; the element may be running.

exit codes: 0 all are listed; 1 something is damaged, and told; 2 it could not be listed"""
FAILED = "was not listed"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command is given."""
    takes_directory(parser)
    parser.add_argument("--json", action="store_true", help="all that is known of each, one JSON object a line")


def run(given: argparse.Namespace) -> int:
    """List; the exit code."""
    complaints = 0

    def complain(what: str, why: str) -> None:
        nonlocal complaints
        complaints += 1
        tell(f"{what}: {why}")

    with bare_element(given.root) as element:
        if element.journal_damage:
            complain("journal", element.journal_damage)
        for file_id in element.ids(complain):
            try:
                attributes, file = look_at(element, file_id)
            except FileUnknown:  # removed meanwhile
                continue
            except Unreadable as error:
                complain(str(file_id), str(error))
            else:
                sys.stdout.write(f"{_object(attributes) if given.json else _line(file)}\n")
    return DAMAGED if complaints else DONE


def _line(file: FileAttributes) -> str:
    when = f"{file.uploaded_at:%Y-%m-%dT%H:%M:%S}"
    return printable(f"{file.file_id}  {file.content.size:>13}  {when}  {file.collection}  {file.content.name}")


def _object(attributes: bytes) -> str:
    """As they lie there, unless that is more than a line, or says something to a terminal."""
    text = attributes.decode()
    return text if text.isprintable() else json.dumps(json.loads(text))
