"""The fence around an element: a master works in `staging/<epoch>/`, and who takes over takes that directory away.

The path of every change leads through it. When another node has renamed it, what a stale master does fails where it
matters, in the file system, however long it was stopped between a check and an act.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from storage_element.adapters.local import disk
from storage_element.domain import layout
from storage_element.domain.storage import Fenced

LOOKS = 10
UNFINISHED = (".attr", ".new")
"""How names of bytes end that are half written, and that no record names."""


def staged_below(root: Path, name: UUID) -> Path | None:
    """Where staged content lies, whoever is the master; None when it is not there any more."""
    return next((root / layout.STAGING).rglob(str(name)), None)


class Fence:
    """One master's directory. Before `take_over` it is nobody's, and nothing can be changed through it."""

    def __init__(self, root: Path) -> None:
        self._staging = root / layout.STAGING
        self._directory = str(self._staging / "nobody")
        self.epoch = 0

    def make_first(self, epoch: int) -> None:
        """See that there is a directory to take over; the caller holds the element alone."""
        if not self.epochs():
            disk.make_directories(self._staging / str(epoch))

    def take_over(self, at_least: int) -> int:
        """Be the master, of an epoch above `at_least`; `Fenced` when another node was quicker.

        A rename: of all who try, one finds the directory. Who was the master before has lost it at that moment.
        """
        newest = max(self.epochs(), default=0)
        epoch = max(newest, at_least) + 1
        mine = self._staging / str(epoch)
        try:
            (self._staging / str(newest)).rename(mine)
        except FileNotFoundError:
            raise Fenced("another node takes the element over") from None
        self._directory, self.epoch = str(mine), epoch
        disk.sync_directory(self._staging)
        with self.guarding():
            self._forget_unfinished()
            self._gather()
        return epoch

    def check(self) -> None:
        """Raise `Fenced` when another node has taken over. If not, what is durable now was so before anybody does."""
        if not os.access(self._directory, os.F_OK):
            raise Fenced(f"epoch {self.epoch} is over: another node has taken the element over")

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Around what goes through the directory: `Fenced` when it failed because the directory is not there."""
        try:
            yield
        except FileNotFoundError:
            self.check()
            raise

    def path(self, name: str) -> str:
        """Where this master keeps `name`."""
        return f"{self._directory}/{name}"

    def through(self, path: str) -> str:
        """The element's `path` by way of this master's directory: the kernel finds it only while that is there."""
        return f"{self._directory}/../../{path}"

    def newest(self) -> Path:
        """The directory of the newest epoch, whoever's it is. While it is being renamed, it may not be seen."""
        for _ in range(LOOKS):
            if epochs := self.epochs():
                return self._staging / str(max(epochs))
        raise Fenced("no node has the element")

    def entries(self) -> list[Path]:
        """What lies there."""
        return sorted(Path(self._directory).iterdir())

    def epochs(self) -> list[int]:
        """Of the directories that there are: one, unless a copy was made while the element changed hands."""
        if not self._staging.is_dir():
            return []
        return [int(path.name) for path in self._staging.iterdir() if path.name.isdecimal()]

    def _forget_unfinished(self) -> None:
        """The master before may still have some open: no file of its is written to by this one."""
        for path in self.entries():
            if path.name.endswith((*UNFINISHED, layout.MARK)):
                path.unlink()

    def _gather(self) -> None:
        """An element of an older version, or a copy made while it changed hands, has more in other places."""
        for path in sorted(self._staging.iterdir()):
            if path.is_file():
                path.rename(self.path(path.name))
            elif path.name.isdecimal() and int(path.name) < self.epoch:
                for each in path.iterdir():
                    each.rename(self.path(each.name))
                Path(self.through(f"{layout.STAGING}/{path.name}")).rmdir()
