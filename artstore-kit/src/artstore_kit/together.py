"""Round trips that are shared: what is asked while one is under way goes together in the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

MOST_AT_ONCE = 100


class Together[Question, Answer]:
    """One round trip at a time, for all who wait; it begins after each of them has asked."""

    def __init__(self, answer_all: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]]) -> None:
        """`answer_all` gives an answer to each of at most `MOST_AT_ONCE` questions, in their order."""
        self._answer_all = answer_all
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer. What `answer_all` raises is raised to all who asked together; who gives up disturbs nobody."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._work is None:
            self._work = asyncio.create_task(self._answer_waiting(), name="round trips")
        return await answer

    async def _answer_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._answer(batch)
        finally:
            self._work = None

    async def _answer(self, batch: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        asking = self._answer_all([question for question, _ in batch])
        [found] = await asyncio.gather(asking, return_exceptions=True)
        for number, (_, answer) in enumerate(batch):
            if answer.done():  # given up
                continue
            if isinstance(found, BaseException):
                answer.set_exception(found)
            else:
                answer.set_result(found[number])
