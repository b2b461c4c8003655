"""Files by id: lookups that come while one is under way go together in the next."""

import asyncio
from uuid import UUID

from artstore_kit.contracts.errors import ArtStoreError
from query_module.adapters.finding import Known, find_by_ids
from query_module.adapters.reads import Reads

MOST_AT_ONCE = 500

type _Answer = asyncio.Future[Known | None]


class LookUps:
    """One statement at a time, for all who wait: under load a round trip is shared by many requests."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._waiting: dict[UUID, _Answer] = {}
        self._work: asyncio.Task[None] | None = None

    async def find(self, file_id: UUID) -> Known | None:
        """The file as the index knows it; `IndexUnavailable` when it cannot be read."""
        answer = self._waiting.get(file_id)
        if answer is None:
            answer = self._waiting[file_id] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieve)
        if self._work is None:
            self._work = asyncio.create_task(self._answer_all(), name="look-ups")
        # Shielded, because others may wait for the same answer.
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """Give up what is under way."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        for answer in self._waiting.values():
            answer.cancel()

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                batch = dict(list(self._waiting.items())[:MOST_AT_ONCE])
                for file_id in batch:
                    del self._waiting[file_id]
                await self._answer(batch)
        finally:
            self._work = None

    async def _answer(self, batch: dict[UUID, _Answer]) -> None:
        try:
            found = {known.file_id: known for known in await find_by_ids(self._reads, list(batch))}
        except ArtStoreError as error:
            for answer in batch.values():
                answer.set_exception(type(error)(error.detail))
            return
        except asyncio.CancelledError:
            for answer in batch.values():
                answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 (each who waits raises it, where it is answered and logged)
            for answer in batch.values():
                answer.set_exception(error)
            return
        for file_id, answer in batch.items():
            answer.set_result(found.get(file_id))


def _retrieve(answer: _Answer) -> None:
    """Nobody may be left to take the failure; that is no reason for a warning."""
    if not answer.cancelled():
        answer.exception()
