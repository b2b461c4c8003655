"""Who asks while others are being answered is answered with all who came meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.together import MOST_AT_ONCE, Together


class Doubling:
    """Answers when it is let; remembers what was asked at once."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.may_answer = asyncio.Event()
        self.away = False

    async def __call__(self, questions: Sequence[int]) -> Sequence[int]:
        self.asked.append(questions)
        await self.may_answer.wait()
        if self.away:
            raise DatabaseUnavailable
        return [2 * question for question in questions]


@pytest.fixture
async def doubling() -> Doubling:
    return Doubling()


async def started(together: Together[int, int], *questions: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(together.ask(question)) for question in questions]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_those_who_come_meanwhile_share_the_next_round_trip(doubling: Doubling) -> None:
    together = Together(doubling)
    tasks = await started(together, 1)
    tasks += await started(together, 2, 3)
    assert doubling.asked == [[1]]
    doubling.may_answer.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]
    assert doubling.asked == [[1], [2, 3]]
    assert await together.ask(4) == 8


async def test_so_many_at_most(doubling: Doubling) -> None:
    doubling.may_answer.set()
    together = Together(doubling)
    many = range(MOST_AT_ONCE + 1)
    assert await asyncio.gather(*map(together.ask, many)) == [2 * each for each in many]
    assert [len(each) for each in doubling.asked] == [MOST_AT_ONCE, 1]


async def test_one_who_gives_up_does_not_disturb_the_others(doubling: Doubling) -> None:
    leaving, staying = await started(Together(doubling), 1, 2)
    leaving.cancel()
    await asyncio.sleep(0)
    doubling.may_answer.set()
    assert await staying == 4
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_failure_is_raised_to_each_and_the_next_are_answered(doubling: Doubling) -> None:
    together = Together(doubling)
    doubling.away = True
    tasks = await started(together, 1, 2)
    doubling.may_answer.set()
    for task in tasks:
        with pytest.raises(DatabaseUnavailable):
            await task
    doubling.away = False
    assert await together.ask(3) == 6
