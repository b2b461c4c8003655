"""Puts a content aside in a process of its own, which kills itself before or after one step: `... ROOT PATH N`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.upkeep import LocalUpkeep
from storage_element.domain.judgement import Kind
from storage_element.domain.upkeep import Reason

STEPS = ("write_durably", "rename_new", "sync_directory")


class Deadly:
    """Counts the beginnings and ends of steps, and dies at number `at`."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._count = 0

    def __call__(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            self._tick()
            result = step(*args)
            self._tick()
            return result

        return counted

    def _tick(self) -> None:
        if self._count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1


async def main(root: Path, path: str, at: int) -> None:
    """Until the kill, or to the end when there is no such step."""
    fence = Fence(root)
    fence.make_first(1)
    fence.take_over(0)
    deadly = Deadly(at)
    for name in STEPS:
        setattr(disk, name, deadly(getattr(disk, name)))
    upkeep = LocalUpkeep(root, fence)
    found = Reason(kind=Kind.CONTENT_CORRUPT, path=path, detail="has 6 bytes, and had 7", found_at=datetime.now(UTC))
    await upkeep.put_aside(found, path)
    upkeep.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
