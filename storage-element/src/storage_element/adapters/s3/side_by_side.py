"""Many requests of one kind, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

MOST = 16
"""At a time, of one caller."""


async def outcomes[I, O](ask: Callable[[I], Awaitable[O]], items: Sequence[I]) -> list[O | Exception]:
    """What each gave or raised, in order: one that fails keeps no other from its end."""
    turn = asyncio.Semaphore(MOST)

    async def one(item: I) -> O | Exception:
        async with turn:
            try:
                return await ask(item)
            except Exception as error:  # noqa: BLE001 (it is given to the caller)
                return error

    return await asyncio.gather(*(one(item) for item in items))


async def answers[I, O](ask: Callable[[I], Awaitable[O]], items: Sequence[I]) -> list[O]:
    """What each gave, in order; raises what the first to fail raised, when all have ended."""
    found: list[O] = []
    for each in await outcomes(ask, items):
        if isinstance(each, Exception):
            raise each
        found.append(each)
    return found
