"""Removes temporary files whose time is over, on elements of mode edit, through the same commit as every removal."""

import asyncio
from collections import Counter
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from artstore_kit.contracts.errors import ContentCorrupt, FileHeld, FileRetained, FileUnknown, UploadInProgress
from artstore_kit.contracts.modes import ALLOWED, Operation
from storage_element import metrics
from storage_element.adapters.index import Expiring, Index
from storage_element.config import ExpirySettings
from storage_element.domain.storage import Superblocks
from storage_element.services.clock_watch import ClockWatch
from storage_element.services.pace import Pace
from storage_element.services.write import Writer

PAGE_ROWS = 500
REMOVED = "removed"


class ExpiryState(StrEnum):
    """`suspended` while the clock is not believed; `off` by a setting or because of the mode."""

    OFF = "off"
    IDLE = "idle"
    RUNNING = "running"
    SUSPENDED = "suspended"


class ExpiryStatus(BaseModel):
    """What expiry does, and did the last time."""

    state: ExpiryState
    clock_doubt: str = Field(description="why the clock is not believed; empty when it is")
    last_at: AwareDatetime | None = Field(description="what the clock showed when the last round began")
    last_outcomes: dict[str, int] = Field(description="files by what became of them: removed, or why not")


class Expirer:
    """One element's rounds over what has expired. The index says where to look, attr.json what is done."""

    def __init__(
        self, index: Index, writer: Writer, superblocks: Superblocks, clock: ClockWatch, settings: ExpirySettings
    ) -> None:
        self._index = index
        self._writer = writer
        self._superblocks = superblocks
        self._clock = clock
        self._settings = settings
        self._pace = Pace(settings.files_per_s)
        self._one = asyncio.Lock()
        self._running = False
        self._last_at: datetime | None = None
        self._outcomes: Counter[str] = Counter()

    def status(self) -> ExpiryStatus:
        """What it does now."""
        return ExpiryStatus(
            state=self._state(),
            clock_doubt=self._clock.doubt,
            last_at=self._last_at,
            last_outcomes=dict(self._outcomes),
        )

    async def trust_clock(self) -> None:
        """An operator says that the clock is right."""
        await self._clock.trust()

    async def round(self) -> None:
        """One look at the clock, and, when it can be believed, at everything that has expired by then.

        What the clock does during the round changes nothing.
        """
        async with self._one:
            await self._round()

    async def _round(self) -> None:
        if self._superblocks.current.mode not in ALLOWED[Operation.DELETE]:
            return
        now = await self._clock.look()
        if now is None or not self._settings.enabled:
            return
        self._running, self._last_at, self._outcomes = True, now, Counter()
        try:
            await self._expire(now)
        finally:
            self._running = False

    async def _expire(self, now: datetime) -> None:
        last: Expiring | None = None
        while page := await self._index.expiring(now, last, PAGE_ROWS):
            for each in page:
                await self._pace.spend(1)
                outcome = await self._outcome(each.file_id, now)
                self._outcomes[outcome] += 1
                metrics.EXPIRED.labels(outcome).inc()
            last = page[-1]

    async def _outcome(self, file_id: UUID, now: datetime) -> str:
        try:
            await self._writer.expire(file_id, now)
        except (FileUnknown, FileHeld, FileRetained, UploadInProgress, ContentCorrupt) as error:
            return error.code
        return REMOVED

    def _is_on(self) -> bool:
        return self._settings.enabled and self._superblocks.current.mode in ALLOWED[Operation.DELETE]

    def _state(self) -> ExpiryState:
        if not self._is_on():
            return ExpiryState.OFF
        if self._clock.doubt:
            return ExpiryState.SUSPENDED
        return ExpiryState.RUNNING if self._running else ExpiryState.IDLE
