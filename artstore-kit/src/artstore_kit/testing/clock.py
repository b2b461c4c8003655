"""Clocks that the test moves: one of moments, one of seconds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class MovableClock:
    """Gives the same moment until it is moved; starts now, so that other clocks agree with it."""

    now: datetime

    @classmethod
    def starting_now(cls) -> "MovableClock":
        """A clock that stands still from this moment on."""
        return cls(datetime.now(UTC))

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass
class Seconds:
    """As `time.time` or `time.monotonic`, but it stands still: the test sets `now`."""

    now: float = 0.0

    def __call__(self) -> float:
        """How many there are."""
        return self.now
