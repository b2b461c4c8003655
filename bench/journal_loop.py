"""The ceiling of a journal for small files: hash, append a batch with one sync, put plain files in place; no HTTP."""

import hashlib
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.bodies import Body

SEGMENT_BYTES = 256 * 2**20
ATTRIBUTES_BYTES = 600
"""As long as the attributes of ArtStore's files here."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

type Batch = Sequence[tuple[str, bytes, bytes]]
"""Name, attributes and content of each file."""


@dataclass
class Loop:
    """One batch is put in place by a thread while the next one is appended. The segment is written round and round."""

    directory: Path
    segment: int
    thread: ThreadPoolExecutor
    offset: int = 0
    placing: Future[None] | None = None

    def commit(self, batch: Batch) -> None:
        """On stable storage when it returns; in place when the one after the next returns."""
        frames = [b"".join((attributes, content)) for _, attributes, content in batch]
        checked = [zlib.crc32(frame).to_bytes(4) + frame for frame in frames]
        size_bytes = sum(map(len, checked))
        if self.offset + size_bytes > SEGMENT_BYTES:
            self.offset = 0
        self.offset += os.pwritev(self.segment, checked, self.offset)
        os.fdatasync(self.segment)
        self.settle()
        self.placing = self.thread.submit(self._place, batch)

    def settle(self) -> None:
        """All that was committed is in place."""
        if self.placing is not None:
            self.placing.result()

    def _place(self, batch: Batch) -> None:
        for name, attributes, content in batch:
            path = f"{self.directory}/{name}"
            _write(f"{path}.v1", content)
            _write(f"{path}.new", attributes)
            os.rename(f"{path}.new", f"{path}.attr.json")  # noqa: PTH104 - a Path would be a tenth of the loop


def files_per_s(directory: Path, size_bytes: int, in_flight: int, seconds: float) -> float:
    """As many files share a sync as ArtStore has in flight."""
    with _loop(directory / uuid4().hex) as loop:
        began = time.perf_counter()
        done = 0
        while time.perf_counter() - began < seconds:
            loop.commit([_file(size_bytes) for _ in range(in_flight)])
            done += in_flight
        loop.settle()
        return done / (time.perf_counter() - began)


@contextmanager
def _loop(directory: Path) -> Iterator[Loop]:
    directory.mkdir(parents=True)
    segment = os.open(directory / "segment.wal", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(segment, 0, SEGMENT_BYTES)
        os.fsync(segment)
        with ThreadPoolExecutor(1) as thread:
            yield Loop(directory, segment, thread)
    finally:
        os.close(segment)


def _file(size_bytes: int) -> tuple[str, bytes, bytes]:
    content = b"".join(Body.fresh(size_bytes).pieces())
    name, sha256 = uuid4().hex, hashlib.sha256(content).hexdigest().encode()
    return name, sha256.ljust(ATTRIBUTES_BYTES), content


def _write(path: str, data: bytes) -> None:
    file = os.open(path, _NEW, 0o600)
    try:
        os.write(file, data)
    finally:
        os.close(file)
