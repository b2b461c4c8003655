"""The calls by which a process changes what lies below one directory: told before and after, and made in one order."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.durability.calls import Call, Watcher
from tests.durability.shelf import read_tree
from tests.durability.world import Change, ClearName, SetName, World

_state = threading.local()


class Unseen(BaseException):
    """The program changes something by a way that the tape cannot show: teach it that way."""


class Tape:
    """`world` is what lies below `root`, as the calls have told."""

    def __init__(self, root: Path, watcher: Watcher) -> None:
        self.root = str(root)
        self.world = World.of(read_tree(root))
        self.limit: int | None = None
        self._watcher = watcher
        self._number = 0
        self._next_inode = 1_000_000
        self._opened: dict[int, tuple[int, str]] = {}
        self._lock = threading.RLock()

    def restart(self) -> None:
        """Count from one again."""
        self._number = 0

    @contextmanager
    def calling(self, name: str, path: str, size: int = 0) -> Iterator[Call]:
        """A call that changes something; what it changed is told even when it failed."""
        with self.alone():
            self._number += 1
            call = Call(self._number, name, path, size)
            self.limit = self._watcher.before(call)
            try:
                yield call
            except OSError:
                if call.changes:
                    self._watcher.after(call)
                raise
            self._watcher.after(call)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One thread at a time; what it does meanwhile is not unseen."""
        with self._lock:
            _state.depth = getattr(_state, "depth", 0) + 1
            try:
                yield
            finally:
                _state.depth -= 1

    def change(self, call: Call, *changes: Change) -> None:
        """This is what the call did."""
        call.changes = changes
        for each in changes:
            self.world.apply(each)

    # --- paths

    def below(self, path: Any) -> str | None:
        """A path relative to the root, or None when it is not below it."""
        if isinstance(path, int):
            return None
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 (links are not followed)
        if text == self.root:
            return ""
        return text[len(self.root) + 1 :] if text.startswith(f"{self.root}/") else None

    def named(self, below: str, *, is_directory: bool = False) -> SetName:
        """A new inode gets this name."""
        self._next_inode += 1
        return SetName(*self.world.place(below), self._next_inode, is_directory)

    def moved(self, old: str, new: str) -> tuple[SetName, ClearName]:
        """What has the name `old` gets the name `new`."""
        inode = self.world.find(old)
        assert inode is not None, old
        fresh = SetName(*self.world.place(new), inode, inode in self.world.directories)
        return fresh, ClearName(*self.world.place(old), fresh)

    # --- descriptors

    def opened(self, fd: int, below: str) -> int:
        """A descriptor of what lies at this path."""
        inode = self.world.find(below)
        assert inode is not None, below
        self._opened[fd] = inode, below
        return fd

    def closed(self, fd: int) -> None:
        """The descriptor's number may come to mean something else."""
        self._opened.pop(fd, None)

    def at(self, fd: int) -> tuple[int, str] | None:
        """Inode and path of a descriptor, or None when it does not lead below the root."""
        return self._opened.get(fd)


def is_seen() -> bool:
    """Whether this thread is in the middle of a call that the tape makes."""
    return bool(getattr(_state, "depth", 0))
