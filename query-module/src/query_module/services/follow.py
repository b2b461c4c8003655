"""Following one storage element: its change feed, read page by page into the search index."""

import asyncio
import time
from enum import StrEnum

from query_module import metrics
from query_module.adapters.claims import Claims
from query_module.adapters.elements import Elements
from query_module.domain.cursor import Cursor
from query_module.services.indexing import Indexing

PAGE_LIMIT = 500
"""Reading a page takes milliseconds in which nobody is answered."""

POLL_WAIT_S = 20.0
STANDBY_S = 3.0


class State(StrEnum):
    """`standby` while another node follows the element."""

    STARTING = "starting"
    FOLLOWING = "following"
    STANDBY = "standby"
    FAILING = "failing"


class Follower:
    """One element's changes, carried into the index as they happen."""

    def __init__(self, element_id: str, elements: Elements, indexing: Indexing, claims: Claims) -> None:
        self.element_id = element_id
        self.state = State.STARTING
        self.failure = ""
        self._elements = elements
        self._indexing = indexing
        self._claims = claims
        self._cursor: Cursor | None = None
        self._behind_since: float | None = time.monotonic()

    async def step(self) -> None:
        """Carry the next page into the index; waits for changes when there are none."""
        try:
            if await self._claims.hold(self.element_id):
                await self._follow()
                return
        except Exception as error:
            self._fail(getattr(error, "code", type(error).__name__))
            raise
        self._cursor, self._behind_since, self.state, self.failure = None, None, State.STANDBY, ""
        await asyncio.sleep(STANDBY_S)

    async def release(self) -> None:
        """Let another node follow."""
        await self._claims.release(self.element_id)

    @property
    def lag_s(self) -> float:
        """Seconds since the index was level with the element; 0 while it is, as far as this node knows."""
        return 0.0 if self._behind_since is None else time.monotonic() - self._behind_since

    @property
    def lag_lsn(self) -> int:
        """Journal positions between what the element last reported and what this node has carried over."""
        reported = self._elements.last_lsn(self.element_id)
        return 0 if reported is None or self._cursor is None else max(0, reported - self._cursor.lsn)

    async def _follow(self) -> None:
        cursor = self._cursor or await self._indexing.cursor(self.element_id)
        # Only who is level waits. After a failure the element may have lost its history, and would let us wait for it.
        wait_s = 0 if self._behind_since is not None else POLL_WAIT_S
        page = await self._elements.client(self.element_id).changes(cursor.lsn, limit=PAGE_LIMIT, wait_s=wait_s)
        with metrics.APPLY_SECONDS.time():
            self._cursor = await self._indexing.apply(self.element_id, cursor, page)
        metrics.CHANGES.labels(self.element_id).inc(len(page.items))
        self.state, self.failure = State.FOLLOWING, ""
        if self._cursor and not self._cursor.sweeping and len(page.items) < PAGE_LIMIT:
            self._behind_since = None
        else:
            self._fall_behind()

    def _fail(self, failure: str) -> None:
        self.state, self.failure = State.FAILING, failure
        self._fall_behind()

    def _fall_behind(self) -> None:
        if self._behind_since is None:
            self._behind_since = time.monotonic()
