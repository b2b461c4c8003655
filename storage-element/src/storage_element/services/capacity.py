"""Watches how the element fills: its growth, its thresholds, and what its policy says when it is full."""

import time
from collections.abc import Callable

from pydantic import ValidationError

from artstore_kit.contracts.elements import Fullness
from artstore_kit.contracts.modes import Mode
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.config import CapacitySettings, WhenFull
from storage_element.domain.growth import Growth
from storage_element.domain.upkeep import Upkeep
from storage_element.services.measure import Measure
from storage_element.services.modes import Modes

NOTE = "capacity"
SAVED_EVERY_S = 600.0
FULL_LOOKS = 3
"""A file system that is full for a moment is no reason for a step that has no way back."""


class CapacityWatch:
    """One element's room, looked at again and again."""

    def __init__(
        self,
        upkeep: Upkeep,
        measure: Measure,
        modes: Modes,
        settings: CapacitySettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upkeep = upkeep
        self._measure = measure
        self._modes = modes
        self._settings = settings
        self._clock = clock
        self._seen: tuple[float, int] | None = None
        self._saved_at = clock()
        self._full_looks = 0

    async def round(self) -> None:
        """One look; a full `rw` element turns `ro` if its policy says so, and never back."""
        if self._seen is None:
            self._measure.growth = await self._kept()
        await self._grow()
        capacity = self._measure.capacity()
        metrics.TOTAL_BYTES.set(capacity.total_bytes)
        metrics.FREE_BYTES.set(capacity.free_bytes)
        metrics.GROWTH.set(capacity.growth_bytes_per_s)
        self._full_looks = self._full_looks + 1 if capacity.fullness is Fullness.FULL else 0
        if self._full_looks >= FULL_LOOKS and self._turns():
            await self._modes.turn(Mode.RO, "the element is full")

    def _turns(self) -> bool:
        return self._settings.when_full is WhenFull.RO and self._modes.current is Mode.RW

    async def _grow(self) -> None:
        """The clock that counts here never jumps."""
        now, used_bytes = self._clock(), self._measure.capacity().used_bytes
        if self._seen is not None:
            then, before_bytes = self._seen
            self._measure.growth = self._measure.growth.after(used_bytes - before_bytes, now - then)
        self._seen = now, used_bytes
        if now - self._saved_at >= SAVED_EVERY_S:
            await self._upkeep.take_note(NOTE, self._measure.growth.model_dump_json(indent=2).encode())
            self._saved_at = now

    async def _kept(self) -> Growth:
        """What was known before the restart; without it the averages begin at nothing."""
        data = await self._upkeep.note(NOTE)
        try:
            return Growth.model_validate_json(data) if data else Growth()
        except ValidationError:
            event_logger().warning("note cannot be read", name=NOTE)
            return Growth()
