"""What lies between an element and its bucket. It breaks at one request that writes, in the way that it is told."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError, ConnectionClosedError

BEFORE, AFTER = "before", "after"
"""The process is killed: no later request reaches the store, and nobody is told anything more."""
REFUSED, LOST, AWAY = "refused", "lost", "away"
"""The store is too busy, its answer is lost, or it is away from then on."""
KILLS = (BEFORE, AFTER)
FAULTS = (REFUSED, LOST, AWAY)
NEVER = 0
_WRITES = frozenset({"PUT", "POST", "DELETE"})
_strikes: ContextVar[bool] = ContextVar("strikes", default=False)


@dataclass
class Wire:
    """Of one client. Writes are numbered from 1, from when it is armed."""

    number: int = NEVER
    how: str = ""
    at_death: Callable[[], object] = lambda: None
    armed: bool = False
    writes: int = 0
    is_cut: bool = False
    died: asyncio.Event = field(default_factory=asyncio.Event)

    def between(self, client: Any) -> None:
        """Stand between this client and its store."""
        client.meta.events.register("before-send.s3", self._asked)
        client.meta.events.register("response-received.s3", self._answered)

    def prepare(self, number: int = NEVER, how: str = "", at_death: Callable[[], object] = lambda: None) -> None:
        """Break at this write; whole until then."""
        self.number, self.how, self.at_death = number, how, at_death
        self.armed, self.writes, self.is_cut = False, 0, False
        self.died.clear()

    def heal(self) -> None:
        """The store can be reached again."""
        self.number, self.is_cut = NEVER, False

    def _asked(self, request: AWSPreparedRequest, **_: object) -> None:
        """Before it is sent."""
        _strikes.set(False)
        if self.is_cut:
            raise _broken()
        if not self.armed or request.method not in _WRITES:
            return
        self.writes += 1
        if self.writes != self.number:
            return
        if self.how == REFUSED:
            raise ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "write")
        if self.how in {BEFORE, AWAY}:
            self._cut()
            raise _broken()
        _strikes.set(True)

    def _answered(self, **_: object) -> None:
        """The store has done what it was asked."""
        if _strikes.get():
            _strikes.set(False)
            if self.how == AFTER:
                self._cut()
            raise _broken()

    def _cut(self) -> None:
        self.is_cut = True
        if self.how in KILLS:
            self.at_death()
            self.died.set()


def _broken() -> ConnectionClosedError:
    return ConnectionClosedError(endpoint_url="the store")
