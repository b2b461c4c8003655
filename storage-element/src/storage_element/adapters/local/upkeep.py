"""The local file system's side of the element's own care, in one thread that stands back behind all others."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path
from uuid import UUID, uuid4

from storage_element.adapters.local import disk
from storage_element.adapters.local.direct import Buffers
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.reread import Rereading
from storage_element.domain import layout
from storage_element.domain.upkeep import Directory, Entry, Pace, Reason, Reread

REASONS_AT_ONCE = 256
NICENESS = 10


class LocalUpkeep:
    """Walks, rereads and puts aside below `root`."""

    def __init__(self, root: Path, fence: Fence) -> None:
        self._root = root
        self._fence = fence
        self._buffers = Buffers()
        self._thread = ThreadPoolExecutor(1, "upkeep", initializer=_stand_back)

    async def walk(self, first: str = "") -> AsyncIterator[Directory]:
        """The directories that hold files, in the order of their paths."""
        directories = self._walk(self._root / layout.FILES, tuple(first.split("/")))
        while directory := await self._run(next, directories, None):
            yield directory

    async def reread(self, file_id: UUID, version: int, pace: Pace) -> Reread:
        """Read a version of the content from the disk."""
        path = self._root / layout.content_path(file_id, version)
        reading = await self._run(Rereading, path, self._buffers)
        try:
            while reading.next_bytes:
                await pace(reading.next_bytes)
                await self._run(reading.read)
            return reading.result()
        finally:
            await asyncio.shield(self._run(reading.close))

    async def put_aside(self, reason: Reason, path: str | None) -> Reason:
        """First the reason, then the move, each durable."""
        return await self._run(self._put_aside, reason, path)

    async def reasons(self) -> AsyncIterator[Sequence[bytes]]:
        """Every reason in quarantine/, some at a time."""
        reasons = (path.read_bytes() for path in (self._root / layout.QUARANTINE).glob(f"*{layout.REASON_SUFFIX}"))
        while batch := await self._run(_next, reasons):
            yield batch

    async def note(self, name: str) -> bytes | None:
        """What was kept last under this name."""
        return await self._run(_read_if_there, self._root / layout.note_path(name))

    async def take_note(self, name: str, data: bytes) -> None:
        """Keep it durably."""
        await self._run(self._take_note, name, data)

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown()

    # --- in the thread

    async def _run[*Args, T](self, work: Callable[[*Args], T], *args: *Args) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _walk(self, directory: Path, first: tuple[str, ...]) -> Iterator[Directory]:
        path = str(directory.relative_to(self._root))
        parts = tuple(path.split("/"))
        if parts < first[: len(parts)]:
            return
        try:
            entries, subdirectories = _listed(directory)
        except OSError as error:
            yield Directory(path, [], f"cannot be read: {error.strerror}")
            return
        if entries and parts >= first:
            yield Directory(path, entries)
        for name in subdirectories:
            yield from self._walk(directory / name, first)

    def _put_aside(self, reason: Reason, path: str | None) -> Reason:
        quarantine = self._root / layout.QUARANTINE
        disk.make_directories(quarantine)
        about = Path(reason.path).name
        for number in count(1):
            name = f"{about}.{number}"
            written = reason.model_copy(update={"moved_to": None if path is None else name})
            if not (quarantine / name).exists() and self._write_reason(name, written):
                break
        if path is not None:
            source = self._root / path
            with self._fence.guarding():
                disk.rename_new(source, Path(self._fence.through(f"{layout.QUARANTINE}/{name}")))
            disk.sync_directory(quarantine)
            disk.sync_directory(source.parent)
        return written

    def _write_reason(self, name: str, reason: Reason) -> bool:
        """False when another one has this name."""
        fresh = Path(self._fence.path(f"{uuid4()}.new"))
        with self._fence.guarding():
            disk.write_durably(str(fresh), reason.to_json())
            try:
                disk.rename_new(fresh, self._root / layout.QUARANTINE / f"{name}{layout.REASON_SUFFIX}")
            except FileExistsError:
                fresh.unlink()
                return False
        disk.sync_directory(self._root / layout.QUARANTINE)
        return True

    def _take_note(self, name: str, data: bytes) -> None:
        path = self._root / layout.note_path(name)
        disk.make_directories(path.parent)
        with self._fence.guarding():
            disk.replace_durably(path, data, self._fence.path(f"{name}.new"))


def _listed(directory: Path) -> tuple[list[Entry], list[str]]:
    """Files and directories by name. What goes while it is looked at is not there."""
    entries: list[Entry] = []
    subdirectories: list[str] = []
    with os.scandir(directory) as scan:
        for each in scan:
            if each.is_dir(follow_symlinks=False):
                subdirectories.append(each.name)
                continue
            try:
                status = each.stat()
            except FileNotFoundError:
                continue
            entries.append(Entry(each.name, status.st_size, status.st_mtime))
    return sorted(entries, key=lambda entry: entry.name), sorted(subdirectories)


def _next(items: Iterator[bytes]) -> list[bytes]:
    return list(islice(items, REASONS_AT_ONCE))


def _read_if_there(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _stand_back() -> None:
    """On Linux a thread has a niceness of its own (setpriority(2)): requests go first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
