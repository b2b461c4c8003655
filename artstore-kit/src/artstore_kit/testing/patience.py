"""Waiting in tests for what happens soon, without sleeping longer than it takes."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = 5.0) -> None:
    """Return as soon as `holds()`; `TimeoutError` when it does not within `within_s`."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 (what is waited for is in another process or connection)
            await asyncio.sleep(0.01)
