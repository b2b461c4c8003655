"""The master's mark in its own directory: who takes that directory away takes the right to leave a mark with it."""

import asyncio
import os
import threading
from concurrent.futures import Executor
from pathlib import Path

from pydantic import ValidationError

from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain import layout
from storage_element.domain.mastership import Mark, Sighting


class LocalMarks:
    """`master.json`, replaced whole; it need not survive a crash."""

    def __init__(self, fence: Fence, superblocks: Superblocks, executor: Executor) -> None:
        self._superblocks = superblocks
        self._fence = fence
        self._executor = executor
        self._one = threading.Lock()

    @property
    def epoch(self) -> int:
        """Of this node as master; 0 when it is none."""
        return self._fence.epoch

    async def write(self, mark: Mark) -> None:
        """Replace the mark; `Fenced`."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._write, mark)

    async def look(self) -> Sighting:
        """The newest epoch, and the mark that lies there."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._look)

    def _write(self, mark: Mark) -> None:
        with self._one, self._fence.guarding():
            fresh = self._fence.path(f"{layout.MARK}.new")
            fd = disk.create(fresh)
            try:
                disk.write_all(fd, mark.model_dump_json().encode())
            finally:
                os.close(fd)
            Path(fresh).rename(self._fence.path(layout.MARK))

    def _look(self) -> Sighting:
        self._superblocks.refresh()
        directory = self._fence.newest()
        try:
            return Sighting(int(directory.name), Mark.model_validate_json((directory / layout.MARK).read_bytes()))
        except (FileNotFoundError, ValidationError):
            return Sighting(int(directory.name), None)
