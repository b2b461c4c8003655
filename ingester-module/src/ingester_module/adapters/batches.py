"""Small files that wait for the same element travel in one request; none waits for company."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from artstore_kit.bytestream import ByteClient
from artstore_kit.callee import Callee
from artstore_kit.clients.element import FILES
from artstore_kit.contracts import batches
from artstore_kit.contracts.batches import BatchedFile
from artstore_kit.contracts.errors import ArtStoreError, DependencyAnsweredBadly
from ingester_module import metrics

UNDER_WAY = 2
"""Requests to one element: while it commits one, the next is on its way. What comes meanwhile is the one after."""

BATCH_BYTES = 4 * 1024 * 1024
_PROBLEM = {"content-type": "application/problem+json"}


@dataclass(eq=False)
class _Waiting:
    part: bytes
    context: Context = field(default_factory=copy_context)
    """Request id and trace of the request that brought it."""
    answer: asyncio.Future[bytes] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batches:
    """The small files on their way to one element."""

    def __init__(self, callee: Callee, contents: ByteClient) -> None:
        self._callee = callee
        self._contents = contents
        self._waiting: deque[_Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def put(self, file: BatchedFile, content: bytes) -> bytes:
        """The element's document for one file, as from a `PUT` of its own; its refusal is raised."""
        waiting = _Waiting(batches.request_part(file.model_dump_json(exclude_none=True).encode(), content))
        self._waiting.append(waiting)
        self._go_on()
        return await waiting.answer

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _go_on(self) -> None:
        while self._waiting and len(self._under_way) < UNDER_WAY:
            batch = self._next_batch()
            task = asyncio.create_task(self._send(batch), context=batch[0].context)
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._go_on()

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < batches.MOST_FILES and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].part)
        return batch

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        """Every file gets an answer, whatever becomes of the request."""
        metrics.BATCH.observe(len(batch))
        failure: ArtStoreError = DependencyAnsweredBadly(f"{self._callee.name} did not answer for every file.")
        try:
            for waiting, (status, document) in zip(batch, await self._outcomes(batch), strict=False):
                if waiting.answer.done():
                    continue
                if status < 400:
                    waiting.answer.set_result(document)
                else:
                    waiting.answer.set_exception(self._callee.error_of(status, _PROBLEM, document))
        except ArtStoreError as error:
            failure = error
        finally:
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(failure)

    async def _outcomes(self, batch: Sequence[_Waiting]) -> list[tuple[int, bytes]]:
        body = b"".join(waiting.part for waiting in batch)
        headers = {"Content-Type": batches.MEDIA_TYPE}
        async with self._contents.put(FILES, body, headers, content_length=len(body)) as answer:
            try:
                return batches.answered(await answer.read())
            except ValueError as error:
                raise DependencyAnsweredBadly(f"{self._callee.name}: {error}.") from None
