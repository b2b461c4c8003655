"""What can be uploaded: a file, bytes, or a stream, each as blocks with its size and digest where they are known.

A file up to `HASHED_FIRST_BYTES` is hashed before it is sent, so that the fleet refuses it if it arrives altered: it
is read from the disk once all the same, since it stays in the page cache meanwhile. A larger file would be read twice,
so it is hashed while it is sent, and the digest in the answer is compared.
"""

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from artstore.digest import hex_of
from artstore_kit.contracts.errors import DigestMismatch

HASHED_FIRST_BYTES = 64 << 20
BLOCK_BYTES = 1 << 20

Blocks = AsyncIterator[bytes | memoryview]


@dataclass(frozen=True)
class Source:
    """Bytes to be sent. `blocks` begins anew at each call, unless they come `once`."""

    blocks: Callable[[], Blocks]
    size: int | None = None
    sha256: str | None = None
    once: bool = False


def from_bytes(data: bytes) -> Source:
    """Content that is in memory."""
    return Source(lambda: _memory_blocks(data), len(data), hex_of(data))


def from_stream(stream: AsyncIterator[bytes]) -> Source:
    """Content that is made while it is sent, so that it cannot be sent again."""
    return Source(lambda: stream, once=True)


async def from_path(path: Path) -> Source:
    """The content of a regular file as it is now; sending fails if the file changes meanwhile."""
    seen = await asyncio.to_thread(_seen, path)
    sha256 = await asyncio.to_thread(_hash, path) if seen.st_size <= HASHED_FIRST_BYTES else None
    return Source(partial(_file_blocks, path, seen), seen.st_size, sha256)


def _seen(path: Path) -> os.stat_result:
    if not path.is_file():
        raise IsADirectoryError(f"{path} is a folder") if path.is_dir() else FileNotFoundError(f"{path} is not a file")
    return path.stat()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _memory_blocks(data: bytes) -> Blocks:
    view = memoryview(data)
    for start in range(0, len(view), BLOCK_BYTES):
        yield view[start : start + BLOCK_BYTES]


async def _file_blocks(path: Path, seen: os.stat_result) -> Blocks:
    """The last block is held back until the file is known to be unchanged: without it, the fleet stores nothing."""
    left = seen.st_size
    with await asyncio.to_thread(io.FileIO, path) as file:
        while left:
            block = await asyncio.to_thread(file.read, min(BLOCK_BYTES, left))
            left -= len(block)
            if not block or (not left and _identity(os.fstat(file.fileno())) != _identity(seen)):
                raise DigestMismatch(f"{path} was changed while it was being sent; nothing was stored, send it again.")
            yield block


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
