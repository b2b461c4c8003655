"""What the demonstration uploads: the files and folders that were named, or this repository's own."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.fleet.errors import FleetError
from tools.fleet.layout import ROOT

NOT_OURS = {"__pycache__", "node_modules", "dist"}
REFUSED_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
LONGEST_NAME = 240


@dataclass(frozen=True)
class Document:
    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """As the fleet takes it: a disk allows names that a document may not have."""
        return REFUSED_IN_NAMES.sub("_", self.path.name)[-LONGEST_NAME:].strip() or "_"

    @property
    def word(self) -> str | None:
        """A word of the name by which it should be found; short ones may be stop words of a language."""
        stem = self.path.stem
        return stem if len(stem) >= 5 and stem.isalpha() else None


def documents_of(paths: Sequence[Path]) -> list[Document]:
    """In the order of their names; links inside folders are not followed, and special files left out."""
    found = [document for path in paths for document in _at(path)] if paths else _of_repository()
    if not found:
        raise FleetError("there are no files in what was named")
    return found


def _at(path: Path) -> list[Document]:
    if path.is_file():
        return [Document(path, path.stat().st_size)]
    if not path.is_dir():
        raise FleetError(f"{path} is neither a file nor a folder")
    return _inside(path, everything=True)


def _of_repository() -> list[Document]:
    return _inside(ROOT, everything=False)


def _inside(folder: Path, *, everything: bool) -> list[Document]:
    found: list[Document] = []
    for directory, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if everything or _ours(name))
        paths = [Path(directory) / name for name in sorted(files) if everything or _ours(name)]
        found += [Document(path, path.stat().st_size) for path in paths if path.is_file() and not path.is_symlink()]
    return found


def _ours(name: str) -> bool:
    return not name.startswith(".") and name not in NOT_OURS and not name.endswith(".egg-info")
