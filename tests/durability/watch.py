"""Puts a tape between a process and the system, and takes it away again.

What goes past the tape is refused: an audit hook sees what Python opens, renames and removes, by whatever way.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_COPY, ACCESS_READ
from pathlib import Path
from typing import Any

from storage_element.adapters.local import disk
from tests.durability.calls import Watcher
from tests.durability.shims import SEEN, Shims
from tests.durability.tape import Tape, Unseen, is_seen

REFUSED = [
    *("symlink", "truncate", "sendfile", "copy_file_range", "splice", "chmod", "fchmod", "chown", "fchown", "lchown"),
    *("utime", "setxattr", "removexattr", "dup", "dup2", "sync", "mknod", "mkfifo", "chdir"),
]
"""Nobody here changes anything by these; who begins to teaches the tape."""

BENEATH = ["sync_file_system", "rename_new"]
"""Functions of `disk` that go beneath Python, to the C library."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_NAMES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"})
_active: list[Tape] = []


@contextmanager
def watching(root: Path, watcher: Watcher) -> Iterator[Tape]:
    """Every change below `root` passes `watcher` meanwhile. One at a time in a process."""
    assert not _active, "one at a time"
    tape = Tape(root, watcher)
    shims = Shims(tape)
    before = {name: getattr(os, name) for name in (*SEEN, *REFUSED)}
    beneath = {name: getattr(disk, name) for name in BENEATH}
    for name, real in before.items():
        stand_in = getattr(shims, name) if name in SEEN else functools.partial(_refuse, tape, name, real)
        setattr(os, name, stand_in)
    for name in BENEATH:
        setattr(disk, name, getattr(shims, name))
    _hook()
    _active.append(tape)
    try:
        yield tape
    finally:
        _active.clear()
        for module, names in ((os, before), (disk, beneath)):
            for name, real in names.items():
                setattr(module, name, real)


def _refuse(tape: Tape, name: str, real: Callable[..., Any], *args: Any, **options: Any) -> Any:
    if any(_concerns(tape, arg) for arg in args):
        raise Unseen(f"os.{name}{args}")
    return real(*args, **options)


def _concerns(tape: Tape, argument: object) -> bool:
    if isinstance(argument, int):
        return tape.at(argument) is not None
    return isinstance(argument, str | bytes | os.PathLike) and tape.below(argument) is not None


@functools.cache
def _hook() -> None:
    """It cannot be taken away, and does nothing while nobody watches."""
    sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _active and not is_seen() and _changes(_active[0], event, args):
        raise Unseen(f"{event}{args}")


def _changes(tape: Tape, event: str, args: tuple[Any, ...]) -> bool:
    if event == "open":
        path, _, flags = args
        return bool(flags & _WRITES) and _concerns(tape, path)
    if event == "mmap.__new__":
        fd, _, access, _ = args
        return tape.at(fd) is not None and access not in {ACCESS_READ, ACCESS_COPY}
    return event in _NAMES and any(_concerns(tape, arg) for arg in args)
