"""Watches the wall clock: while it cannot be believed, nothing is removed for being old."""

from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.config import ExpirySettings
from storage_element.domain.clock import ClockNote, Instant, doubt
from storage_element.domain.storage import Superblocks
from storage_element.domain.upkeep import Upkeep

NOTE = "clock"


class ClockWatch:
    """Compares the clocks from one look to the next, over restarts too."""

    def __init__(
        self,
        upkeep: Upkeep,
        superblocks: Superblocks,
        clock: Callable[[], Instant],
        settings: ExpirySettings,
    ) -> None:
        self._upkeep = upkeep
        self._superblocks = superblocks
        self._clock = clock
        self._settings = settings
        self._note: ClockNote | None = None

    @property
    def doubt(self) -> str:
        """Why the clock is not believed; empty when it is, or was not looked at yet."""
        return self._note.doubt if self._note else ""

    async def look(self) -> datetime | None:
        """What time it is, if that can be believed. A clock that is set right again is believed again."""
        now = self._clock()
        trusted = self._note or await self._first(now)
        why = doubt(trusted.trusted, now, self._settings.clock_tolerance_s, self._settings.longest_stop_s)
        await self._keep(ClockNote(trusted=trusted.trusted if why else now, doubt=why), before=trusted.doubt)
        return None if why else now.wall

    async def trust(self) -> None:
        """An operator says that the clock is right."""
        await self._keep(ClockNote(trusted=self._clock()), before=self.doubt)

    async def _first(self, now: Instant) -> ClockNote:
        """A new element's clock is believed from the element's making on."""
        data = await self._upkeep.note(NOTE)
        if data is not None:
            return _parsed(data, now)
        return ClockNote(trusted=now.model_copy(update={"wall": max(now.wall, self._superblocks.current.created_at)}))

    async def _keep(self, note: ClockNote, *, before: str) -> None:
        await self._upkeep.take_note(NOTE, note.model_dump_json(indent=2).encode())
        self._note = note
        metrics.CLOCK_DOUBT.set(1 if note.doubt else 0)
        if note.doubt and not before:
            event_logger().error("clock in doubt", detail=note.doubt)
        elif before and not note.doubt:
            event_logger().info("clock believed again", before=before)


def _parsed(data: bytes, now: Instant) -> ClockNote:
    """One that cannot be read says nothing of the past: as after a clock that nobody could follow."""
    try:
        return ClockNote.model_validate_json(data)
    except ValidationError:
        long_ago = now.wall.replace(year=1970)
        return ClockNote(trusted=Instant(wall=long_ago, uptime_s=0, boot_id=""), doubt="")
