"""Reads every content again, from the disk, against the sha-256 it was stored with; it goes on where it stopped."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from artstore_kit.contracts.errors import UploadInProgress
from artstore_kit.contracts.ids import moment_of
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.config import ScrubSettings
from storage_element.domain import layout
from storage_element.domain.judgement import named
from storage_element.domain.upkeep import Upkeep
from storage_element.domain.verification import Cursor, Outcome, ScrubState, ScrubStatus
from storage_element.services.contain import Containment
from storage_element.services.pace import Pace
from storage_element.services.verify import Verifier

NOTE = "scrub"
LOOK_EVERY_S = 10.0
LOOK_AGAIN_S = 0.2
SAVED_EVERY_S = 5.0
MOST_LISTED = 1000
MOST_DAMAGED_IN_A_ROW = 20
"""When so many contents are wrong one after the other, it is the disk that is judged and not the documents."""
BUSY_TRIES, BUSY_PAUSE_S = 5, 1.0


class Scrubber:
    """One element's passes over all of its content."""

    def __init__(self, upkeep: Upkeep, verifier: Verifier, containment: Containment, settings: ScrubSettings) -> None:
        self._verifier = verifier
        self._upkeep = upkeep
        self._containment = containment
        self._settings = settings
        self._pace = Pace(settings.mib_per_s * 2**20)
        self._pace_of_suspects = Pace(settings.mib_per_s * 2**20)
        self._cursor: Cursor | None = None
        self._wanted = asyncio.Event()
        self._saved_at = 0.0
        self._in_a_row = 0

    # --- what operators ask for

    def start(self) -> None:
        """Begin a pass, or go on with one that stopped itself; what is known to be damaged is read first."""
        self._wanted.set()
        self.resume()

    def pause(self) -> None:
        """Stop at the next piece; the pass stays where it is."""
        self._pace.pause()

    def resume(self) -> None:
        """Go on."""
        self._pace.resume()

    def status(self) -> ScrubStatus:
        """How far it is."""
        cursor = self._cursor or Cursor()
        return ScrubStatus(
            state=self._state(cursor),
            cursor=cursor,
            oldest_unverified_age_s=cursor.oldest_unverified_age_s(datetime.now(UTC)),
            damaged=sorted(self._containment.damaged)[:MOST_LISTED],
        )

    def _state(self, cursor: Cursor) -> ScrubState:
        if cursor.stopped_because:
            return ScrubState.STOPPED
        if self._pace.is_paused:
            return ScrubState.PAUSED
        if cursor.is_under_way:
            return ScrubState.RUNNING
        return ScrubState.IDLE if self._settings.enabled else ScrubState.OFF

    # --- the work

    async def round(self) -> None:
        """Make a pass when one is due, or was asked for; a pass that was cut off goes on."""
        cursor = await self._open()
        wanted = await self._is_wanted(cursor)
        if wanted:
            cursor.stopped_because = ""
            await self._read_again_what_is_damaged()
        if not cursor.stopped_because and (wanted or cursor.is_under_way or self._is_due(cursor)):
            await self._pass(cursor)
        metrics.OLDEST_UNVERIFIED.set(cursor.oldest_unverified_age_s(datetime.now(UTC)))

    async def round_of_suspects(self) -> None:
        """Judge what a request found damaged, at once, whether or not a pass is under way; not after it was stopped."""
        suspects = self._containment.suspects
        file_id = await suspects.next()
        cursor = self._cursor
        if cursor is None or cursor.stopped_because:
            await asyncio.sleep(LOOK_AGAIN_S)
            return
        outcome = await self._judge(file_id, self._pace_of_suspects.spend)
        suspects.judged(file_id)
        if self._is_too_much(outcome):
            await self._stop(cursor)

    async def _open(self) -> Cursor:
        if self._cursor is None:
            data = await self._upkeep.note(NOTE)
            self._cursor = Cursor.model_validate_json(data) if data else Cursor()
            await self._read_again_what_is_damaged()
        return self._cursor

    async def _is_wanted(self, cursor: Cursor) -> bool:
        """Whether somebody asks for it; waits a little for that when there is nothing else to do."""
        if cursor.stopped_because or not (cursor.is_under_way or self._is_due(cursor)):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wanted.wait()
        wanted = self._wanted.is_set()
        self._wanted.clear()
        return wanted

    def _is_due(self, cursor: Cursor) -> bool:
        if not self._settings.enabled:
            return False
        interval = timedelta(days=self._settings.interval_days)
        return cursor.started_at is None or datetime.now(UTC) - cursor.started_at >= interval

    async def _read_again_what_is_damaged(self) -> None:
        """Somebody may have put it right."""
        for file_id in list(self._containment.damaged):
            await self._judge(file_id, self._spend)

    async def _pass(self, cursor: Cursor) -> None:
        if not cursor.is_under_way:
            cursor.begin(datetime.now(UTC))
            await self._save(cursor)
        async for file_id in self._after(cursor.after):
            cursor.comes_to(moment_of(file_id))
            outcome = await self._judge(file_id, self._spend)
            cursor.count(outcome)
            cursor.after = file_id
            if self._is_too_much(outcome):
                await self._stop(cursor)
                return
            await self._save_now_and_then(cursor)
        cursor.finish(datetime.now(UTC))
        await self._save(cursor)
        event_logger().info("scrubbed", **cursor.model_dump(include={"files", "size_bytes", "damaged", "skipped"}))

    async def _after(self, last: UUID | None) -> AsyncIterator[UUID]:
        """The documents after one, in the order of their ids, which is that of their directories."""
        async for directory in self._upkeep.walk("" if last is None else layout.directory_of(last)):
            for entry in directory.entries:
                found = named(entry.name)
                if found is None or found.version is not None or (last and found.file_id <= last):
                    continue
                if directory.path == layout.directory_of(found.file_id):
                    yield found.file_id

    async def _judge(self, file_id: UUID, pace: Callable[[int], Awaitable[None]]) -> Outcome:
        """Somebody who changes the file at this moment is waited for."""
        for _ in range(BUSY_TRIES):
            try:
                return await self._verifier.judge(file_id, pace)
            except UploadInProgress:
                await asyncio.sleep(BUSY_PAUSE_S)
        return Outcome.SKIPPED

    async def _spend(self, size_bytes: int) -> None:
        await self._pace.spend(size_bytes)
        if self._cursor is not None:
            self._cursor.size_bytes += size_bytes

    def _is_too_much(self, outcome: Outcome) -> bool:
        self._in_a_row = self._in_a_row + 1 if outcome is Outcome.DAMAGED else 0
        return self._in_a_row >= MOST_DAMAGED_IN_A_ROW

    async def _stop(self, cursor: Cursor) -> None:
        """What goes on is for somebody to decide who has looked at the disk."""
        cursor.stopped_because = f"{self._in_a_row} contents in a row are damaged"
        self._in_a_row = 0
        await self._save(cursor)
        event_logger().error("scrub stopped", reason=cursor.stopped_because)

    async def _save_now_and_then(self, cursor: Cursor) -> None:
        if time.monotonic() - self._saved_at >= SAVED_EVERY_S:
            await self._save(cursor)

    async def _save(self, cursor: Cursor) -> None:
        await self._upkeep.take_note(NOTE, cursor.model_dump_json(indent=2).encode())
        self._saved_at = time.monotonic()
        metrics.OLDEST_UNVERIFIED.set(cursor.oldest_unverified_age_s(datetime.now(UTC)))
