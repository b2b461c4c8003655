"""Stand in for functions of `os`: what concerns the tape's directory goes over the tape, the rest straight on."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage_element.adapters.local import disk
from tests.durability.calls import EVERYTHING
from tests.durability.tape import Tape, Unseen
from tests.durability.world import ClearName, Data, SetName, Size

SEEN = [
    *("open", "mkdir", "rename", "replace", "link", "unlink", "remove", "rmdir", "close"),
    *("write", "writev", "pwrite", "pwritev", "ftruncate", "posix_fallocate", "fsync", "fdatasync"),
]


class Shims:
    """Each method has the name, the arguments and the errors of the function that it stands in for."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in SEEN}
        self._rename_new = disk.rename_new

    # --- names

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        below = self._below(path, dir_fd)
        if below is None:
            return int(self._real["open"](path, flags, mode, dir_fd=dir_fd))
        if flags & (os.O_CREAT | os.O_TRUNC):
            return self._create(path, flags, mode, below)
        with self._tape.alone():
            return self._tape.opened(self._real["open"](path, flags, mode), below)

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        below = self._below(path, dir_fd)
        if below is None:
            self._real["mkdir"](path, mode, dir_fd=dir_fd)
            return
        with self._tape.calling("mkdir", below) as call:
            self._real["mkdir"](path, mode)
            self._tape.change(call, self._tape.named(below, is_directory=True))

    def rename(self, src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        old, new = self._below(src, src_dir_fd), self._below(dst, dst_dir_fd)
        if old is None and new is None:
            self._real["rename"](src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
            return
        if old is None or new is None:
            raise Unseen(f"rename({src}, {dst}) crosses the border of {self._tape.root}")
        with self._tape.calling("rename", f"{old} -> {new}") as call:
            self._real["rename"](src, dst)
            self._tape.change(call, *self._tape.moved(old, new))

    def link(self, src: Any, dst: Any, **options: Any) -> None:
        old, new = self._tape.below(src), self._tape.below(dst)
        if new is None:
            self._real["link"](src, dst, **options)
            return
        if old is None or options:
            raise Unseen(f"link({src}, {dst})")
        with self._tape.calling("link", f"{old} -> {new}") as call:
            self._real["link"](src, dst)
            inode = self._tape.world.find(old)
            assert inode is not None, old
            self._tape.change(call, SetName(*self._tape.world.place(new), inode))

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._remove("unlink", path, dir_fd)

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._remove("rmdir", path, dir_fd)

    replace, remove = rename, unlink

    def close(self, fd: int) -> None:
        with self._tape.alone():
            self._tape.closed(fd)
            self._real["close"](fd)

    # --- content

    def write(self, fd: int, data: Any) -> int:
        return self._write("write", fd, [data], None)

    def writev(self, fd: int, buffers: Any) -> int:
        return self._write("writev", fd, buffers, None)

    def pwrite(self, fd: int, data: Any, offset: int) -> int:
        return self._write("pwrite", fd, [data], offset)

    def pwritev(self, fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        return self._write("pwritev", fd, buffers, offset)

    def ftruncate(self, fd: int, length: int) -> None:
        self._resize("ftruncate", fd, (length,), length)

    def posix_fallocate(self, fd: int, offset: int, length: int) -> None:
        self._resize("posix_fallocate", fd, (offset, length), offset + length)

    # --- syncing: in memory there is nothing to do

    def fsync(self, fd: int) -> None:
        self._sync("fsync", fd)

    def fdatasync(self, fd: int) -> None:
        self._sync("fdatasync", fd)

    def sync_file_system(self, fd: int) -> None:
        with self._tape.calling("syncfs", "") as call:
            call.syncs = EVERYTHING

    def rename_new(self, source: Path, target: Path) -> None:
        old, new = self._tape.below(source), self._tape.below(target)
        if old is None or new is None:
            raise Unseen(f"rename_new({source}, {target})")
        with self._tape.calling("renameat2", f"{old} -> {new}") as call:
            self._rename_new(source, target)
            self._tape.change(call, *self._tape.moved(old, new))

    # --- what several of them do

    def _below(self, path: Any, dir_fd: int | None) -> str | None:
        if dir_fd is not None and self._tape.at(dir_fd):
            raise Unseen(f"{path}, relative to a descriptor")
        return self._tape.below(path)

    def _create(self, path: Any, flags: int, mode: int, below: str) -> int:
        with self._tape.calling("open", below) as call:
            before = self._tape.world.find(below)
            try:
                fd = int(self._real["open"](path, flags, mode))
            except OSError:
                if before is None and os.path.lexists(path):  # tmpfs makes the name before it refuses O_DIRECT
                    self._tape.change(call, self._tape.named(below))
                raise
            if before is None:
                self._tape.change(call, self._tape.named(below))
            elif flags & os.O_TRUNC and self._tape.world.files[before]:
                self._tape.change(call, Size(before, 0))
            return self._tape.opened(fd, below)

    def _remove(self, name: str, path: Any, dir_fd: int | None) -> None:
        below = self._below(path, dir_fd)
        if below is None:
            self._real[name](path, dir_fd=dir_fd)
            return
        with self._tape.calling(name, below) as call:
            self._real[name](path)
            self._tape.change(call, ClearName(*self._tape.world.place(below)))

    def _write(self, name: str, fd: int, buffers: Any, offset: int | None) -> int:
        known = self._tape.at(fd)
        if known is None:
            return int(
                self._real["writev"](fd, buffers) if offset is None else self._real["pwritev"](fd, buffers, offset)
            )
        inode, below = known
        data = b"".join(bytes(memoryview(buffer).cast("B")) for buffer in buffers)
        with self._tape.calling(name, below, len(data)) as call:
            start = os.lseek(fd, 0, os.SEEK_CUR) if offset is None else offset
            taken = data[: self._tape.limit]
            count = self._real["write"](fd, taken) if offset is None else self._real["pwrite"](fd, taken, offset)
            grows = start + count > len(self._tape.world.files[inode])
            self._tape.change(call, Data(inode, start, taken[:count], grows))
            return int(count)

    def _resize(self, name: str, fd: int, arguments: tuple[int, ...], size: int) -> None:
        known = self._tape.at(fd)
        if known is None:
            self._real[name](fd, *arguments)
            return
        with self._tape.calling(name, known[1], size) as call:
            self._real[name](fd, *arguments)
            self._tape.change(call, Size(known[0], size, grow=name == "posix_fallocate"))

    def _sync(self, name: str, fd: int) -> None:
        known = self._tape.at(fd)
        if known is None:
            self._real[name](fd)
            return
        with self._tape.calling(name, known[1]) as call:
            call.syncs = known[0]
