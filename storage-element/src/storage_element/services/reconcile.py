"""Compares the whole element with itself: attributes, content and index; at start, on a timer, and on request."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from artstore_kit.logs import event_logger
from storage_element.config import ReconcileSettings
from storage_element.domain.reconciliation import ReconcileReport, ReconcileState, ReconcileStatus
from storage_element.domain.upkeep import Upkeep
from storage_element.services.compare import Comparer, TooMuch
from storage_element.services.indexing import Indexer
from storage_element.services.pace import Pace

NOTE = "reconcile"
LOOK_EVERY_S = 10.0


class Reconciler:
    """One element's comparisons, one at a time."""

    def __init__(self, upkeep: Upkeep, comparer: Comparer, indexer: Indexer, settings: ReconcileSettings) -> None:
        self._upkeep = upkeep
        self._comparer = comparer
        self._indexer = indexer
        self._settings = settings
        self._pace = Pace(settings.files_per_s)
        self._wanted = asyncio.Event()
        self._current: ReconcileReport | None = None
        self._last: ReconcileReport | None = None
        self._is_first = True

    def start(self) -> None:
        """Begin now, unless one is under way."""
        self._wanted.set()
        self.resume()

    def pause(self) -> None:
        """Stop at the next document."""
        self._pace.pause()

    def resume(self) -> None:
        """Go on."""
        self._pace.resume()

    def status(self) -> ReconcileStatus:
        """How far it is, and what was found the last time."""
        return ReconcileStatus(state=self._state(), current=self._current, last=self._last)

    def _state(self) -> ReconcileState:
        if self._current is not None:
            return ReconcileState.PAUSED if self._pace.is_paused else ReconcileState.RUNNING
        if self._last is not None and self._last.stopped_because:
            return ReconcileState.STOPPED
        return ReconcileState.IDLE if self._settings.enabled else ReconcileState.OFF

    async def round(self) -> None:
        """Compare when it is due or asked for. What fails begins again, from the first directory."""
        if self._is_first:
            data = await self._upkeep.note(NOTE)
            self._last = ReconcileReport.model_validate_json(data) if data else None
        if not self._is_due():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wanted.wait()
        if self._wanted.is_set() or self._is_due():
            self._wanted.clear()
            await self._reconcile()
        self._is_first = False

    def _is_due(self) -> bool:
        if not self._settings.enabled:
            return False
        if self._is_first or self._last is None or self._last.finished_at is None:
            return True
        return datetime.now(UTC) - self._last.finished_at >= timedelta(days=self._settings.interval_days)

    async def _reconcile(self) -> None:
        report = self._current = ReconcileReport(started_at=datetime.now(UTC))
        try:
            await self._compare(report)
        finally:
            self._current = None
        if report.index_differs:
            self._indexer.ask_rebuild()
        report.finished_at = datetime.now(UTC)
        self._last = report
        await self._upkeep.take_note(NOTE, report.model_dump_json(indent=2).encode())
        _tell(report)

    async def _compare(self, report: ReconcileReport) -> None:
        self._comparer.begin()
        try:
            async for directory in self._upkeep.walk():
                await self._comparer.look_into(directory, report, self._pace)
            await self._comparer.finish(report)
        except TooMuch as error:
            report.stopped_because = str(error)


def _tell(report: ReconcileReport) -> None:
    told = {kind.value: count for kind, count in report.counts.items()}
    log = event_logger().warning if told else event_logger().info
    log("reconciled", documents=report.documents, superseded=report.superseded, stopped=report.stopped_because, **told)
