"""The change feed: each changed file once with its newest attributes, in LSN order, with tombstones and long poll."""

import asyncio
from typing import Protocol

from storage_element.adapters.index import Entry, Index


class News(Protocol):
    """Tells when there may be something new in the index."""

    applied: asyncio.Event


class Ticks:
    """News now and then, where another node writes the index."""

    def __init__(self) -> None:
        self.applied = asyncio.Event()

    async def round(self) -> None:
        """Have whoever waits look again."""
        self.applied.set()
        self.applied = asyncio.Event()


class ChangeFeed:
    """Reads the feed from the index, and waits for news when there is none."""

    def __init__(self, index: Index, news: News, stopping: asyncio.Event) -> None:
        self._index = index
        self._news = news
        self._stopping = stopping

    async def page(self, after: int, limit: int, wait_s: float) -> tuple[str, list[Entry]]:
        """The generation and up to `limit` changes after an LSN; waits up to `wait_s` seconds for the first."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            news = self._news.applied
            generation, entries = await self._index.feed(after, limit)
            left = deadline - asyncio.get_running_loop().time()
            if entries or left <= 0 or self._stopping.is_set():
                return generation, entries
            await self._wait(news, left)

    async def _wait(self, news: asyncio.Event, left_s: float) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (news, self._stopping)]
        try:
            await asyncio.wait(waits, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
