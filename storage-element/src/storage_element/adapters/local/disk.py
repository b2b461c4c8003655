"""Durable primitives of the local file system: whole-file replacement, synced names, `syncfs`, the element's lock."""

import ctypes
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage_element.domain.storage import ElementInUse

PATIENCE_S = 2.0
PAUSE_S = 0.05
_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def replace_durably(path: Path, data: bytes, fresh: str = "") -> None:
    """Put `data` at `path`; after a crash there is the old file or the new one, whole, and on return the new one.

    It is written at `fresh` first, or beside.
    """
    fresh = fresh or str(path.with_name(f".{path.name}.new"))
    write_durably(fresh, data)
    with nothing_left(fresh):
        Path(fresh).rename(path)
    sync_directory(path.parent)


def write_durably(path: str, data: bytes) -> None:
    """Return when `data` is at `path` and on stable storage; its name may not be yet."""
    fd = create(path)
    try:
        with nothing_left(path):
            write_all(fd, data)
            os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def nothing_left(path: str) -> Iterator[None]:
    """What is being made at `path` goes when it cannot be ended: a full disk is not filled by what did not fit."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            Path(path).unlink()
        raise


def rename_new(source: Path, target: Path) -> None:
    """Rename, never over something: `FileExistsError` when there is a target (renameat2(2), RENAME_NOREPLACE)."""
    if _LIBC.renameat2(_AT_FDCWD, bytes(source), _AT_FDCWD, bytes(target), _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        if number != errno.EINVAL:
            raise OSError(number, os.strerror(number), str(source), None, str(target))
        # A file system without it (NFS): a link is never made over something either.
        target.hardlink_to(source)
        source.unlink()


def create(path: str) -> int:
    """A file that nobody else has open, for writing; what an earlier attempt left there goes."""
    try:
        return os.open(path, _CREATE, 0o640)
    except FileExistsError:
        Path(path).unlink()
        return os.open(path, _CREATE, 0o640)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte, whatever `write` takes at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directories(path: Path) -> None:
    """`mkdir -p`, each new name made durable."""
    if not path.is_dir():
        make_directories(path.parent)
        path.mkdir(mode=0o750, exist_ok=True)
        sync_directory(path.parent)


def sync_file_system(fd: int) -> None:
    """Write everything of the file system that `fd` lies on to stable storage; `OSError` when a write was lost.

    Errors since `fd` was opened are told (Linux 5.8 and later), so `fd` must be as old as the writes.
    """
    if _LIBC.syncfs(fd) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def take_lock(path: Path) -> int:
    """Hold `path` for as long as the returned descriptor is open; `ElementInUse` when somebody has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise ElementInUse(f"another process serves the element at {path.parent}") from None
    return fd


def wait_for_lock(path: Path) -> int:
    """As `take_lock`, but with some patience: those who come in, and those who look, hold it for a moment only."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            return take_lock(path)
        except ElementInUse:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(PAUSE_S)


def share_lock(path: Path) -> int:
    """Hold `path` together with others who share it, for as long as the returned descriptor is open."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        _share(fd, path)
    except ElementInUse:
        os.close(fd)
        raise
    return fd


@contextmanager
def nobody_serves(path: Path, nodes: Path) -> Iterator[None]:
    """Keep the element from being served meanwhile, changing nothing; `ElementInUse` when it is being served.

    By one process, which holds `path`, or by several nodes, which share `nodes` and pass `path` when they come in.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # a copy
        yield
        return
    try:
        _share(fd, path)
        if nodes.exists():
            os.close(wait_for_lock(nodes))
        yield
    finally:
        os.close(fd)


def _share(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ElementInUse(f"a process serves the element at {path.parent}; stop it, or look at a copy") from None
