"""Refusals of callers whom nobody knows: told one by one as long as they are few, then by their number alone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from pydantic import JsonValue

from artstore_kit.audit import metrics
from artstore_kit.contracts.ids import now_moment_ms

MINUTE_S = 60.0
ALONE = 60
"""So many a minute are told one by one for each address (an IPv6 address counts as its /64 network)."""
TOGETHER = 600
"""And so many for all addresses."""
NAMED = 100
"""Of so many addresses the number is told for each; of all others together, as of one without a name."""
KINDS = 12
"""So many actions, and so many resources, are named in one entry."""
LONGEST = 80
"""Of a resource that is named; longer ones are what somebody made up."""
OTHERS = "others"


class Turn(Enum):
    """What becomes of a refusal: an entry of its own, the last one for this minute, or none."""

    ALONE = "alone"
    LAST = "last"
    COUNTED = "counted"


@dataclass
class Counted:
    """What was not told one by one, of one address."""

    refusals: int = 0
    first_ms: int = 0
    last_ms: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    resources: dict[str, int] = field(default_factory=dict)

    def add(self, action: str, resource: str, now_ms: int) -> None:
        """One more."""
        self.first_ms = self.first_ms or now_ms
        self.last_ms = now_ms
        self.refusals += 1
        _count(self.actions, action)
        if resource:
            _count(self.resources, resource if resource.isascii() and len(resource) <= LONGEST else OTHERS)

    def detail(self) -> dict[str, JsonValue]:
        """For the entry."""
        return {
            "refusals": self.refusals,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "actions": {**self.actions},
            "resources": {**self.resources},
        }


type Tell = Callable[[str, Counted], None]


class Strangers:
    """One for the application, in its event loop. `tell` is called for each address at the end of a minute."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._seen: dict[str, int] = {}
        self._counted: dict[str, Counted] = {}
        self._all = 0
        self._timer: asyncio.TimerHandle | None = None

    def turn_of(self, address: str, action: str, resource: str) -> Turn:
        """What becomes of a refusal that came from `address` now."""
        self._timer = self._timer or asyncio.get_running_loop().call_later(MINUTE_S, self.end_minute)
        seen = self._seen.get(address, 0)
        if seen < ALONE and self._all < TOGETHER:
            self._all += 1
            self._seen[address] = seen + 1
            return Turn.LAST if seen + 1 == ALONE or self._all == TOGETHER else Turn.ALONE
        known = address in self._counted or len(self._counted) < NAMED
        counted = self._counted.setdefault(address if known else "", Counted())
        counted.add(action, resource, now_moment_ms())
        metrics.COUNTED.inc()
        return Turn.COUNTED

    def end_minute(self) -> None:
        """Tell what was counted; everybody is told one by one again."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        counted, self._counted, self._all = self._counted, {}, 0
        self._seen.clear()
        for address, each in counted.items():
            self._tell(address, each)


def _count(counts: dict[str, int], name: str) -> None:
    name = name if name in counts or len(counts) < KINDS else OTHERS
    counts[name] = counts.get(name, 0) + 1
