"""A circuit breaker: after repeated failures a service is given time to recover instead of more requests."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from artstore_kit.contracts.errors import CircuitOpen


class State(StrEnum):
    """`closed` lets calls pass, `open` refuses them, `half_open` lets one pass to see whether things are well."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass
class CircuitBreaker:
    """Counts failures in a row; every admitted call ends in one of `succeeded`, `failed` and `abandoned`."""

    name: str
    failures_to_open: int = 5
    open_s: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _opened_at: float | None = field(default=None)
    _trial_under_way: bool = False

    @property
    def state(self) -> State:
        """As it is at this moment."""
        if self._opened_at is None:
            return State.CLOSED
        return State.OPEN if self._remaining_s() > 0 else State.HALF_OPEN

    def admit(self) -> None:
        """Raise `CircuitOpen` unless a call may pass now."""
        if self._opened_at is None:
            return
        remaining_s = self._remaining_s()
        if remaining_s > 0 or self._trial_under_way:
            raise CircuitOpen(f"{self.name} has failed repeatedly.", headers={"Retry-After": _whole_s(remaining_s)})
        self._trial_under_way = True

    def succeeded(self) -> None:
        """The call was answered, be it with a refusal."""
        self._failures, self._opened_at, self._trial_under_way = 0, None, False

    def failed(self) -> None:
        """The call was not answered, or with a failure of the called service."""
        self._failures += 1
        self._trial_under_way = False
        if self._opened_at is not None or self._failures >= self.failures_to_open:
            self._opened_at = self.clock()

    def abandoned(self) -> None:
        """The call was given up by the caller: it says nothing of the called service."""
        self._trial_under_way = False

    def _remaining_s(self) -> float:
        assert self._opened_at is not None
        return self._opened_at + self.open_s - self.clock()


def _whole_s(seconds: float) -> str:
    return str(max(1, round(seconds)))
