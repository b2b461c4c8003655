"""How fast the element's own care may go, and where it waits while it is paused."""

import asyncio
import time


class Pace:
    """So many units a second on average, none of it saved up; `spend` waits while paused."""

    def __init__(self, units_per_s: float) -> None:
        self._units_per_s = units_per_s
        self._free_at = 0.0
        self._goes = asyncio.Event()
        self._goes.set()

    @property
    def is_paused(self) -> bool:
        """Whether nothing goes on."""
        return not self._goes.is_set()

    def pause(self) -> None:
        """Stop at the next `spend`."""
        self._goes.clear()

    def resume(self) -> None:
        """Go on."""
        self._goes.set()

    async def spend(self, units: int) -> None:
        """Return when so many units may be used."""
        await self._goes.wait()
        now = time.monotonic()
        wait_s, self._free_at = self._free_at - now, max(self._free_at, now) + units / self._units_per_s
        if wait_s > 0:
            await asyncio.sleep(wait_s)
            await self._goes.wait()
