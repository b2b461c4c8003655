"""Work that must not be left half way when the caller goes away."""

import asyncio
from collections.abc import Awaitable


async def to_the_end[T](work: Awaitable[T]) -> T:
    """The outcome of `work`. Whoever is cancelled meanwhile, however often, goes only when it is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # nobody is there to be told
    raise cancelled
