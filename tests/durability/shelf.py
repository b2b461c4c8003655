"""Trees on a real file system."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.durability.world import Tree

MEMORY = Path("/dev/shm")
_LARGEST = 2**24


@contextmanager
def place() -> Iterator[Path]:
    """A directory in memory, deleted in the end."""
    where = MEMORY if MEMORY.is_dir() else None
    path = Path(tempfile.mkdtemp(dir=where, prefix="artstore-durability-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def laid_out(tree: Tree) -> Iterator[Path]:
    """`tree` on a real file system."""
    with place() as directory:
        Shelf(directory / "e").lay(tree)
        yield directory / "e"


class Shelf:
    """A directory that shows one tree after another; only what differs is written."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root = root
        self.tree: dict[str, bytes | None] = {}

    def lay(self, tree: Tree) -> None:
        """Show `tree`."""
        for path in sorted(self.tree.keys() - tree.keys(), reverse=True):
            (os.rmdir if self.tree[path] is None else os.unlink)(f"{self.root}/{path}")
        for path in sorted(
            path for path, content in tree.items() if path not in self.tree or self.tree[path] != content
        ):
            _make(f"{self.root}/{path}", tree[path])
        self.tree = dict(tree)

    def look(self) -> Tree:
        """What lies there by now."""
        self.tree = read_tree(self.root)
        return self.tree


def read_tree(root: Path) -> dict[str, bytes | None]:
    """What lies below a real directory."""
    found: dict[str, bytes | None] = {}
    _read(str(root), "", found)
    return found


def _read(directory: str, prefix: str, found: dict[str, bytes | None]) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            path = f"{prefix}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                found[path] = None
                _read(entry.path, f"{path}/", found)
            else:
                found[path] = _content(entry.path)


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, _LARGEST)
    finally:
        os.close(fd)


def _make(path: str, content: bytes | None) -> None:
    if content is None:
        os.mkdir(path)  # noqa: PTH102 (thousands of times)
        return
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)
