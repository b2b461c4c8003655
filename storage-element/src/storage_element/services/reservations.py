"""Who changes a file at this moment: requests and the element's own upkeep, one at a time for each file."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

from artstore_kit.contracts.errors import UploadInProgress


class Reservations:
    """The files that somebody is changing."""

    def __init__(self) -> None:
        self._busy: set[UUID] = set()
        self._awaited: dict[UUID, asyncio.Event] = {}

    @contextmanager
    def alone(self, file_id: UUID) -> Iterator[None]:
        """Be the only one who changes this file; `UploadInProgress` when somebody is."""
        if file_id in self._busy:
            raise UploadInProgress(f"Another request is changing {file_id}; try again.", headers={"Retry-After": "1"})
        self._busy.add(file_id)
        try:
            yield
        finally:
            self._busy.discard(file_id)
            if left := self._awaited.pop(file_id, None):
                left.set()

    @asynccontextmanager
    async def alone_within(self, seconds: float, file_id: UUID) -> AsyncIterator[None]:
        """Likewise, but whoever is changing it may take so long to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while file_id in self._busy:
                    await self._awaited.setdefault(file_id, asyncio.Event()).wait()
        with self.alone(file_id):
            yield
