"""When guessing passwords ends: five failures in a row lock an administrator for a quarter of an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from artstore_kit.contracts.errors import AccountLocked

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class Administrator:
    """An administrator as the database knows them."""

    username: str
    password_hash: str
    roles: Sequence[str]
    locked_until: datetime | None = None


def require_not_locked(locked_until: datetime | None, now: datetime) -> None:
    """Raise `AccountLocked`, with the time to wait, while the lock lasts."""
    if locked_until is not None and now < locked_until:
        wait_s = int((locked_until - now).total_seconds()) + 1
        raise AccountLocked(
            f"After {FAILURES_ALLOWED} failures the account is locked; try again in {wait_s} s.",
            headers={"Retry-After": str(wait_s)},
        )
