"""A body on its way: counted, hashed where its digest is not known yet, and watched for standing still."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from artstore.sources import Source

STILL_TIMEOUT_S = 60.0

Progress = Callable[[int, int | None], None]


class Sending:
    """One source, sent as often as it takes. `failure` is what the source itself raised, if it did."""

    def __init__(self, source: Source, on_progress: Progress | None = None) -> None:
        self.source = source
        self.failure: Exception | None = None
        self.sent_bytes = 0
        self.times = 0
        self._taken = False
        self._hasher = hashlib.sha256()
        self._on_progress = on_progress
        self._watch: asyncio.Timeout | None = None

    @property
    def repeatable(self) -> bool:
        """Whether the body can be sent from its beginning (again)."""
        return self.failure is None and not (self.source.once and self._taken)

    @property
    def sha256(self) -> str:
        """The digest of the source; of what was sent, when it was not known before."""
        return self.source.sha256 or self._hasher.hexdigest()

    async def body(self) -> AsyncIterator[bytes | memoryview]:
        """The blocks from the beginning; the HTTP library would wrap what the source raises, so it is kept here."""
        self.sent_bytes = 0
        self.times += 1
        try:
            async for block in self._hashed_blocks():
                self._taken = True
                self._expect_progress(within_s=STILL_TIMEOUT_S)
                yield block
                self._expect_progress(within_s=None)
                self._count(len(block))
        except Exception as error:
            self.failure = error
            raise

    @contextmanager
    def watched_by(self, timeout: asyncio.Timeout) -> Iterator[None]:
        """While a block is being sent, `timeout` runs; while one is being read, it does not."""
        self._watch = timeout
        try:
            yield
        finally:
            self._watch = None

    async def _hashed_blocks(self) -> AsyncIterator[bytes | memoryview]:
        """A block is hashed while it is on its way."""
        hasher = self._hasher = hashlib.sha256()
        loop = asyncio.get_running_loop()
        async for block in self.source.blocks():
            hashing = None if self.source.sha256 else loop.run_in_executor(None, hasher.update, block)
            yield block
            if hashing:
                await hashing

    def _count(self, sent: int) -> None:
        self.sent_bytes += sent
        if self._on_progress:
            self._on_progress(self.sent_bytes, self.source.size)

    def _expect_progress(self, *, within_s: float | None) -> None:
        if self._watch:
            self._watch.reschedule(None if within_s is None else asyncio.get_running_loop().time() + within_s)
