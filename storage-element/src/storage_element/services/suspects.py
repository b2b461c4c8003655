"""Documents in which a request met damage: they wait to be judged as the scrub judges."""

import asyncio
from uuid import UUID

from artstore_kit.logs import event_logger
from storage_element import metrics

MOST_WAITING = 1000
"""Where so many are wrong, the scrub finds the others."""


class Suspects:
    """Each is judged once, however often it is asked for meanwhile; the first to be met comes first."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, None] = {}
        self._met = asyncio.Event()

    def add(self, file_id: UUID, detail: str) -> None:
        """A request could not be answered because of this document."""
        if file_id in self._waiting or len(self._waiting) >= MOST_WAITING:
            return
        metrics.SUSPECTED.inc()
        event_logger().warning("damage met by a request", file_id=str(file_id), detail=detail)
        self._waiting[file_id] = None
        self._met.set()

    async def next(self) -> UUID:
        """The one that has waited longest, as soon as there is one; it stays until it is `judged`."""
        while not self._waiting:
            self._met.clear()
            await self._met.wait()
        return next(iter(self._waiting))

    def judged(self, file_id: UUID) -> None:
        """From here on it can be suspected again."""
        self._waiting.pop(file_id, None)
