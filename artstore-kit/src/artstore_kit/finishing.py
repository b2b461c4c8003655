"""Work that must not be left half way when the caller goes away."""

import asyncio
from collections.abc import Awaitable


async def to_the_end[T](work: Awaitable[T]) -> T:
    """The outcome of `work`. Whoever is cancelled meanwhile goes only when it is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
