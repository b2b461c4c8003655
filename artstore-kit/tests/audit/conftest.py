"""A spool of a few entries, and where they are delivered to."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from artstore_kit.audit.spool import Spool
from artstore_kit.settings import AuditSettings
from artstore_kit.testing.audit import ReceivingLog
from artstore_kit.testing.disks import mounted

SMALL = 2**16


@pytest.fixture
def log() -> ReceivingLog:
    return ReceivingLog()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB that nobody else writes to; needs root."""
    with mounted(tmp_path / "disk", "size=256k") as disk:
        yield disk


@pytest.fixture
async def open_spool(tmp_path: Path) -> AsyncIterator[Callable[..., Spool]]:
    """Opens the spool of one directory; each time like the next process, the one before having been killed."""
    opened: list[Spool] = []

    def one(limit_bytes: int = SMALL, directory: Path = tmp_path / "spool") -> Spool:
        _kill(opened)
        settings = AuditSettings(spool_dir=directory, spool_limit_bytes=limit_bytes)
        opened.append(Spool.opened(settings, "query-module", "one"))
        return opened[-1]

    yield one
    _kill(opened)


def _kill(spools: list[Spool]) -> None:
    for spool in spools:
        spool.let_go()
    spools.clear()
