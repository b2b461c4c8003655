"""A directory tree as a file system keeps it: names that lead to inodes, and what each inode holds."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

ROOT = 0
SECTOR_BYTES = 512
PAGE_BYTES = 4096

type Tree = Mapping[str, bytes | None]
"""Every path below a root: the content of a file, or None for a directory."""

LOST, KEPT, SIZE_ONLY, NOISE = "-", "+", "0", "?"
"""What a power cut makes of a change. A write may also be torn: `<512` keeps its first 512 bytes, `>512` all after
them, `~7` a choice of its sectors by the seed 7."""


@dataclass(frozen=True, slots=True)
class SetName:
    """A name leads to an inode from now on: by creating, by linking, or as the second half of a rename."""

    directory: int
    name: str
    inode: int
    is_directory: bool = False

    @property
    def target(self) -> int:
        """Whose sync makes it durable."""
        return self.directory


@dataclass(frozen=True, slots=True)
class ClearName:
    """A name leads nowhere from now on. That of a rename never comes without the new name."""

    directory: int
    name: str
    moved: SetName | None = None

    @property
    def target(self) -> int:
        """Whose sync makes it durable."""
        return self.directory


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes are written into an inode. What `grows` it may show old blocks of the disk (`NOISE`) instead."""

    inode: int
    offset: int
    data: bytes
    grows: bool = False

    @property
    def target(self) -> int:
        """Whose sync makes it durable."""
        return self.inode

    def torn(self, how: str) -> dict[int, bytes]:
        """The pieces that came through, by their offset."""
        sectors = range(0, len(self.data), SECTOR_BYTES)
        at = int(how[1:])
        if how[0] == "<":
            return {0: self.data[:at]}
        if how[0] == ">":
            return {at: self.data[at:]}
        chosen = random.Random(at)
        return {start: self.data[start : start + SECTOR_BYTES] for start in sectors if chosen.random() < 0.5}


@dataclass(frozen=True, slots=True)
class Size:
    """An inode is cut or grown to a size; `grow` never cuts (fallocate)."""

    inode: int
    size: int
    grow: bool = False

    @property
    def target(self) -> int:
        """Whose sync makes it durable."""
        return self.inode


type Change = SetName | ClearName | Data | Size


class World:
    """Inodes and their names. Contents are immutable, so that a copy is cheap."""

    def __init__(self) -> None:
        self.directories: dict[int, dict[str, int]] = {ROOT: {}}
        self.files: dict[int, bytes] = {}

    @classmethod
    def of(cls, tree: Tree) -> "World":
        """One in which everything of `tree` is there."""
        world = cls()
        for number, path in enumerate(sorted(tree), ROOT + 1):
            directory, name = world.place(path)
            content = tree[path]
            world.apply(SetName(directory, name, number, is_directory=content is None))
            if content is not None:
                world.files[number] = content
        return world

    def copy(self) -> "World":
        """Another one, the same so far."""
        twin = World()
        twin.directories = {inode: dict(names) for inode, names in self.directories.items()}
        twin.files = dict(self.files)
        return twin

    def place(self, path: str) -> tuple[int, str]:
        """The directory in which a path ends, and its name there; `KeyError` when there is no such directory."""
        *parents, name = path.split("/")
        directory = ROOT
        for parent in parents:
            directory = self.directories[directory][parent]
        return directory, name

    def find(self, path: str) -> int | None:
        """The inode at a path, if there is one; that of the root for an empty one."""
        if not path:
            return ROOT
        try:
            directory, name = self.place(path)
        except KeyError:
            return None
        return self.directories[directory].get(name)

    def apply(self, change: Change, how: str = KEPT) -> None:
        """Let `change` happen, as far as `how` says."""
        match change:
            case SetName():
                self.directories.setdefault(change.directory, {})[change.name] = change.inode
                if change.is_directory:
                    self.directories.setdefault(change.inode, {})
                else:
                    self.files.setdefault(change.inode, b"")
            case ClearName():
                self.directories.setdefault(change.directory, {}).pop(change.name, None)
            case Size():
                self._resize(change)
            case Data():
                self._write(change, how)

    def tree(self) -> dict[str, bytes | None]:
        """What can be reached from the root."""
        found: dict[str, bytes | None] = {}
        self._gather(ROOT, "", found)
        return found

    def _gather(self, directory: int, prefix: str, found: dict[str, bytes | None]) -> None:
        for name, inode in self.directories[directory].items():
            path = f"{prefix}{name}"
            if inode in self.directories:
                found[path] = None
                self._gather(inode, f"{path}/", found)
            else:
                found[path] = self.files.get(inode, b"")

    def _resize(self, change: Size) -> None:
        content = self.files.get(change.inode, b"")
        if change.grow and change.size <= len(content):
            return
        self.files[change.inode] = content[: change.size].ljust(change.size, b"\0")

    def _write(self, change: Data, how: str) -> None:
        content = self.files.get(change.inode, b"")
        end = change.offset + len(change.data)
        if how == KEPT:
            pieces = {0: change.data}
        elif how == SIZE_ONLY:
            pieces = {}
        elif how == NOISE:
            old = min(max(len(content) - change.offset, 0), len(change.data))
            pieces = {old: random.Random(end).randbytes(len(change.data) - old)}
        else:
            pieces = change.torn(how)
            end = change.offset + max((at + len(piece) for at, piece in pieces.items()), default=0)
        fresh = bytearray(content.ljust(end, b"\0"))
        for at, piece in pieces.items():
            fresh[change.offset + at : change.offset + at + len(piece)] = piece
        self.files[change.inode] = bytes(fresh)
