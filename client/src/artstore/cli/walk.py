"""Which files `put` sends, and where they were in their folder."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """A file to be sent. `inside` is its path from the given folder on; empty for a file that was named itself."""

    path: Path
    size_bytes: int
    inside: str = ""


def items_of(paths: Sequence[Path]) -> Iterator[Item | OSError]:
    """All regular files, folders in the order of their names; an `OSError` for what cannot be read.

    Links inside folders are not followed: they could lead out of the folder, or round in circles.
    """
    for path in paths:
        try:
            if path.is_dir():
                yield from _inside(path, Path(path.resolve().name))
            else:
                yield Item(path, path.stat().st_size)
        except OSError as error:
            yield error


def _inside(folder: Path, place: Path) -> Iterator[Item | OSError]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield error
        return
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _inside(path, place / entry.name)
        elif entry.is_file(follow_symlinks=False):
            yield Item(path, entry.stat(follow_symlinks=False).st_size, (place / entry.name).as_posix())
