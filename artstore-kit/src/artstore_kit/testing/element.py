"""A stand-in for a storage element: keeps the protocol's promises on a real port, in memory, and fails on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.element_routes import application
from artstore_kit.testing.element_state import ElementState, Faults, Seen, Stored

__all__ = ["Faults", "Seen", "StandInElement", "Stored", "open_element"]


@dataclass
class StandInElement(ElementState):
    """An element that listens. Tests read its `files` and `seen`, and set its `faults`, `mode`, `capacity`."""

    _runner: web.AppRunner | None = None
    _port: int = 0

    async def start(self) -> None:
        """Listen: on a free port, or on the former one after a `stop`."""
        runner = web.AppRunner(application(self), shutdown_timeout=0.1, max_field_size=65_536)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._port = int(runner.addresses[0][1])
        self._runner, self.url = runner, f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Cut every connection and refuse new ones; what is stored stays."""
        if self._runner:
            await self._runner.cleanup()
        self._runner = None


@asynccontextmanager
async def open_element(
    element_id: str = "edit-1", mode: Mode = Mode.EDIT, *, priority: int = 100, site: str = "default"
) -> AsyncIterator[StandInElement]:
    """`async with open_element("rw-1", Mode.RW) as element:` serves one until the end of the block."""
    element = StandInElement(element_id, mode, priority, site)
    await element.start()
    try:
        yield element
    finally:
        await element.stop()
