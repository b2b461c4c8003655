"""Whoever is cancelled goes only when the work is done."""

import asyncio

import pytest

from artstore_kit.finishing import to_the_end


async def test_it_gives_what_the_work_gives() -> None:
    async def work() -> int:
        return 7

    async def fails() -> None:
        raise ValueError("no")

    assert await to_the_end(work()) == 7
    with pytest.raises(ValueError, match="no"):
        await to_the_end(fails())


async def test_a_caller_who_goes_away_waits_for_the_end() -> None:
    goes_on, done = asyncio.Event(), []

    async def work() -> None:
        await goes_on.wait()
        done.append(True)

    caller = asyncio.create_task(to_the_end(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for _ in range(3):
        caller.cancel()
        await asyncio.sleep(0.01)
        assert not caller.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done == [True]
