"""Long answers end when nobody receives them any more: servers take what is sent to who has gone, and say nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from artstore_kit.contracts.errors import IncompleteBody
from artstore_kit.exchange import Exchange

WATCHED_FROM_BYTES = 1024 * 1024
"""A shorter answer has left before it pays to look after its receiver."""


@asynccontextmanager
async def while_received(exchange: Exchange[Any], length: int | None) -> AsyncIterator[None]:
    """Around the sending of so many bytes: `IncompleteBody` as soon as the receiver goes away."""
    if length is not None and length < WATCHED_FROM_BYTES:
        yield
        return
    try:
        async with asyncio.timeout(None) as limit:
            watcher = asyncio.create_task(_watch(exchange, limit), name="receiver")
            try:
                yield
            finally:
                watcher.cancel()
    except TimeoutError:
        raise IncompleteBody("The connection was closed before the answer was complete.") from None


async def _watch(exchange: Exchange[Any], limit: asyncio.Timeout) -> None:
    await exchange.gone()
    if not exchange.ended:  # after the end of an answer there is nobody to go
        limit.reschedule(asyncio.get_running_loop().time())
