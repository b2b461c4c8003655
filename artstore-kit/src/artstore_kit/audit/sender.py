"""Delivers what the spool holds, in order, until the audit log has said that it has it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from pydantic_core import from_json

from artstore_kit.audit import metrics
from artstore_kit.audit.aside import Aside
from artstore_kit.audit.gap import lost_with
from artstore_kit.audit.outgoing import Outgoing
from artstore_kit.audit.spool import Extent, Spool
from artstore_kit.contracts.audit import AuditReceipt
from artstore_kit.contracts.errors import AuditSpoolFull, BadRequest, BodyTooLarge, InvalidFields
from artstore_kit.health import CheckResult, Health
from artstore_kit.logs import event_logger

LATE_S = 60.0
NEARLY_FULL_SHARE = 0.8

Deliver = Callable[[bytes], Awaitable[AuditReceipt]]
"""Of an `AuditBatch` in JSON. `ValueError` and `InvalidFields` say that something in it is no entry."""


class Sender:
    """One round after the other, for ever. What is delivered twice counts once, by its id."""

    def __init__(self, spool: Spool, deliver: Deliver) -> None:
        self._spool = spool
        self._deliver = deliver
        self._outgoing = Outgoing(spool)
        self._aside = Aside(spool.directory, spool.limit_bytes)
        self._refused: set[bytes] = set()
        self._begun_ms: int | None = None
        self._shown = 0

    async def round(self) -> None:
        """Deliver all that waits now; raises when the log cannot be reached, and then goes on there."""
        with suppress(AuditSpoolFull):  # it is told when what is delivered has made room
            self._spool.tell_gap()
        extents = self._spool.extents()
        try:
            while await self._next(extents):
                pass
        finally:
            self._show()

    async def check(self) -> CheckResult:
        """Degraded when entries wait for long, when many do, when some are not kept, and when the disk failed."""
        if self._spool.fault:
            return CheckResult(health=Health.DEGRADED, detail=self._spool.fault)
        if lost := self._spool.gap.count:
            return CheckResult(health=Health.DEGRADED, detail=f"{lost} entries of the audit log found no room")
        if self._late_s() > LATE_S:
            waiting = f"{self._outgoing.waiting} entries wait for the audit log, the oldest for {self._late_s():.0f} s"
            return CheckResult(health=Health.DEGRADED, detail=waiting)
        if self._spool.size_bytes > NEARLY_FULL_SHARE * self._spool.limit_bytes:
            return CheckResult(health=Health.DEGRADED, detail=f"{self._spool.size_bytes} bytes are in the audit spool")
        return CheckResult()

    async def _next(self, extents: Sequence[Extent]) -> bool:
        """Whether there was anything."""
        outgoing = self._outgoing
        piece = await asyncio.to_thread(outgoing.piece, extents)
        self._begun_ms = piece.begun_ms
        if lines := [line for line in piece.lines if line not in self._refused]:
            await self._send(lines)
        if piece.after == outgoing.cursor:
            return False
        outgoing.advance(piece)
        self._refused.clear()
        return True

    async def _send(self, lines: Sequence[bytes]) -> None:
        """All of them; those that the log refuses are looked for by halves, and set aside."""
        try:
            receipt = await self._deliver(_batch(lines))
            metrics.DELIVERED.inc(receipt.appended + receipt.known_before)
        except (ValueError, InvalidFields, BadRequest, BodyTooLarge) as error:
            if len(lines) == 1:
                await self._set_aside(lines[0], type(error).__name__)
                return
            half = len(lines) // 2
            await self._send(lines[:half])
            await self._send(lines[half:])

    async def _set_aside(self, line: bytes, reason: str) -> None:
        """Once, even if delivery fails before the cursor has passed it."""
        try:
            await asyncio.to_thread(self._aside.put, line)
            event_logger().error("audit entry set aside", reason=reason, file=str(self._aside.path))
        except AuditSpoolFull as error:
            self._spool.give_up(error.detail, lost_with(line))
        metrics.SET_ASIDE.inc()
        self._refused.add(line)

    def _late_s(self) -> float:
        return max(0.0, time.time() - self._begun_ms / 1000) if self._begun_ms else 0.0

    def _show(self) -> None:
        before, self._shown = self._shown, self._spool.kept
        metrics.SPOOLED.inc(self._shown - before)
        metrics.WAITING.set(self._outgoing.waiting)
        metrics.OLDEST_SECONDS.set(self._late_s())
        metrics.SPOOL_BYTES.set(self._spool.size_bytes)


def _batch(lines: Sequence[bytes]) -> bytes:
    """What they say the log judges. Each is JSON by itself, so that none can end the batch before the others."""
    for line in lines:
        from_json(line)
    return b'{"entries":[' + b",".join(lines) + b"]}"
