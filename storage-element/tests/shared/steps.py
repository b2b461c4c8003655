"""Stops a process's work before one of its steps on the disk, as a SIGSTOP or the pause of a machine would."""

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial

import pytest

from storage_element.adapters.local import disk

CALLS = ("open", "rename", "unlink", "write", "pwritev", "posix_fallocate", "fdatasync", "fsync", "mkdir", "access")
LONGEST_S = 20.0


class Steps:
    """Counts the calls of threads that reach the disk, and holds one of them up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[str] = []
        self._hold_at = -1
        self._counting = False
        self._held = threading.Event()
        self._go_on = threading.Event()
        for owner, name in [*((os, name) for name in CALLS), (disk, "sync_file_system")]:
            monkeypatch.setattr(owner, name, partial(self._call, name, getattr(owner, name)))

    def begin(self, hold_at: int = -1) -> None:
        """Count from here on, and hold up the step of this number, counted from 0."""
        self.taken, self._hold_at, self._counting = [], hold_at, True
        self._held.clear()
        self._go_on.clear()

    def end(self) -> int:
        """Count no more; how many steps there were."""
        self._counting = False
        return len(self.taken)

    async def held(self) -> bool:
        """Return when a step is being held up."""
        return await asyncio.to_thread(self._held.wait, LONGEST_S)

    def go_on(self) -> None:
        """Let the step that is held up happen now."""
        self._go_on.set()

    def _call(self, name: str, really: Callable[..., object], *args: object, **kwargs: object) -> object:
        if self._counting and threading.current_thread() is not threading.main_thread():
            self.taken.append(name)
            if len(self.taken) - 1 == self._hold_at:
                self._counting = False
                self._held.set()
                self._go_on.wait(LONGEST_S)
        return really(*args, **kwargs)
