"""What the machine itself can do: the disk with a sync for each file or record, one core's sha256, a plain write."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from bench.bodies import BLOCK, Body

APPENDED_BYTES = 256 * 2**20
WRITE_BYTES = 4 * 2**20


def fsynced_files_per_s(directory: Path, size_bytes: int, seconds: float) -> float:
    """One writer: each file is written and synced, then its name is, before the next one begins."""
    fresh = directory / uuid4().hex
    fresh.mkdir(parents=True)
    content = b"".join(Body.fresh(size_bytes).pieces())
    names = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)

    def write(number: int) -> None:
        file = os.open(fresh / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(file, content)
        os.fsync(file)
        os.close(file)
        os.fsync(names)

    try:
        return _per_s(write, seconds)
    finally:
        os.close(names)


def appends_per_s(directory: Path, size_bytes: int, seconds: float) -> float:
    """One writer: records into a file allocated ahead, each with an fdatasync."""
    directory.mkdir(parents=True, exist_ok=True)
    content = b"".join(Body.fresh(size_bytes).pieces())
    file = os.open(directory / f"{uuid4().hex}.wal", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def append(number: int) -> None:
        os.pwrite(file, content, number * size_bytes % APPENDED_BYTES)
        os.fdatasync(file)

    try:
        os.posix_fallocate(file, 0, APPENDED_BYTES + size_bytes)
        os.fsync(file)
        return _per_s(append, seconds)
    finally:
        os.close(file)


def sha256_mb_per_s(size_bytes: int) -> float:
    """One core, the same mebibyte again and again."""
    hasher = hashlib.sha256()
    began = time.perf_counter()
    for _ in range(size_bytes // len(BLOCK)):
        hasher.update(BLOCK)
    return size_bytes / 1e6 / (time.perf_counter() - began)


def write_mb_per_s(directory: Path, size_bytes: int) -> float:
    """One new file, written from one block and synced at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    block = BLOCK * (WRITE_BYTES // len(BLOCK))
    file = os.open(directory / f"{uuid4().hex}.large", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        began = time.perf_counter()
        for _ in range(size_bytes // len(block)):
            os.write(file, block)
        os.fdatasync(file)
        return size_bytes / 1e6 / (time.perf_counter() - began)
    finally:
        os.close(file)


def _per_s(work: Callable[[int], None], seconds: float) -> float:
    began = time.perf_counter()
    number = 0
    while time.perf_counter() - began < seconds:
        work(number)
        number += 1
    return number / (time.perf_counter() - began)
