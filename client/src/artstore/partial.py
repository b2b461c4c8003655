"""A download on the disk that is not complete yet: `<path>.part`, and beside it the ETag of its version."""

import fcntl
import hashlib
import io
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READ_BYTES = 1 << 20


class PartialFile:
    """What has arrived of a file; it survives until it is complete, so that the next attempt goes on from it."""

    def __init__(self, path: Path, file: io.FileIO) -> None:
        self._path = path
        self._file = file
        self._part = part_path(path)
        self._etag_file = etag_path(path)
        self._completed = False
        # A cancelled task leaves its thread writing: closing waits for it.
        self._busy = threading.Lock()

    def size_bytes(self) -> int:
        """How much is there."""
        return os.fstat(self._file.fileno()).st_size

    def etag(self) -> str:
        """The version that the bytes belong to; empty when that is not known."""
        try:
            return self._etag_file.read_text("ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def hasher(self) -> "hashlib._Hash":
        """The sha-256 state after all that is there; bytes written next follow after them."""
        hasher = hashlib.sha256()
        with self._busy:
            self._file.seek(0)
            while block := self._file.read(READ_BYTES):
                hasher.update(block)
        return hasher

    def start_anew(self, etag: str) -> None:
        """Forget what is there; bytes of the version `etag` follow."""
        with self._busy:
            self._etag_file.unlink(missing_ok=True)
            self._file.seek(0)
            self._file.truncate()
            if etag:
                self._etag_file.write_text(etag, "ascii")

    def write(self, chunks: Sequence[bytes]) -> None:
        """Add to the end."""
        with self._busy:
            data = memoryview(b"".join(chunks))
            while data:
                data = data[self._file.write(data) :]

    def complete(self) -> None:
        """Make it the file, on stable storage, in one step: nobody sees a part of it under its name."""
        with self._busy:
            os.fsync(self._file.fileno())
            self._part.replace(self._path)
            self._etag_file.unlink(missing_ok=True)
            _sync_directory(self._path.parent)
            self._completed = True

    def close(self) -> None:
        """Keep what is worth going on from."""
        with self._busy:
            if not self._completed and self.size_bytes() == 0:
                self._part.unlink(missing_ok=True)
                self._etag_file.unlink(missing_ok=True)
            self._file.close()


@contextmanager
def partial_file(path: Path) -> Iterator[PartialFile]:
    """The partial download of `path`, new or from an earlier attempt; one process at a time has it."""
    part = PartialFile(path, _locked(part_path(path)))
    try:
        yield part
    finally:
        part.close()


def part_path(path: Path) -> Path:
    """Where `path` lies until it is complete."""
    return path.with_name(f"{path.name}.part")


def etag_path(path: Path) -> Path:
    """Where it says to which version the part belongs."""
    return path.with_name(f"{path.name}.part.etag")


def _locked(part: Path) -> io.FileIO:
    while True:
        file = io.FileIO(os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise FileExistsError(f"Another process is writing {part}; let it finish.") from None
        if part.exists() and os.path.samestat(part.stat(), os.fstat(file.fileno())):
            return file
        # The former owner has just completed it: what was opened is the finished file by now.
        file.close()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
