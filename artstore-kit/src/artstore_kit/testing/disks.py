"""A disk that a test can fill up, for real."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STEPS_BYTES = (2**16, 2**12, 1)


@contextmanager
def mounted(at: Path, options: str) -> Iterator[Path]:
    """A file system in memory; only root can mount one."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=True)  # noqa: S603, S607 (of the test alone)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)  # noqa: S603, S607 (of the test alone)


def fill(disk: Path) -> Path:
    """A file that takes all the room that is left; without it there is room again. For small disks."""
    filler = disk / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        for step in STEPS_BYTES:
            _fill(descriptor, step)
    finally:
        os.close(descriptor)
    return filler


def _fill(descriptor: int, step: int) -> None:
    try:
        while os.write(descriptor, bytes(step)):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
