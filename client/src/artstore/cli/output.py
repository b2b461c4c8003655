"""What people and scripts read: tables on a terminal, plain lines elsewhere, and never a control character."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from artstore_kit.contracts.files import FileAttributes

# Control and format characters (C0, C1, bidi marks), lone surrogates, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joiners, without which Indic scripts, Persian and many emoji come apart.
_HARMLESS = {"\u200c", "\u200d"}
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def safe(text: str) -> str:
    """`text` with everything escaped that could move the cursor, colour the terminal or reverse the reading order."""
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNSAFE and character not in _HARMLESS:
        return character.encode("unicode_escape").decode()
    return character


def say(text: str) -> None:
    """A line of result."""
    print(safe(text))


def complain(text: str) -> None:
    """Lines about what went wrong or goes on, beside the results."""
    for line in text.splitlines():
        print(safe(line), file=sys.stderr)


def say_fields(fields: Sequence[str]) -> None:
    """A line of result in several fields."""
    print(line_of(fields))


def line_of(fields: Sequence[str]) -> str:
    """The fields with spaces between them for people, tabs for programs."""
    return ("  " if sys.stdout.isatty() else "\t").join(safe(field) for field in fields)


def say_json(document: object) -> None:
    """One JSON document on one line, in ASCII."""
    print(json.dumps(document))


def document_of(file: FileAttributes) -> dict[str, object]:
    """Attributes as `--json` shows them: as in attr.json."""
    document: dict[str, object] = json.loads(file.to_json())
    return document


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, on_stderr: bool = False) -> None:
    """A table on a terminal; elsewhere lines with tabs between the fields, without headings."""
    stream = sys.stderr if on_stderr else sys.stdout
    if not stream.isatty():
        for row in rows:
            print("\t".join(safe(field) for field in row), file=stream)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(safe(field)) for field in row))
    Console(file=stream).print(table)


def human(size_bytes: float) -> str:
    """Bytes with a decimal unit."""
    for unit in _UNITS[:-1]:
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} {_UNITS[-1]}"
