"""When guessing ends: five failures lock a name, whether it exists or not, for a quarter of an hour."""

import hashlib
from datetime import datetime, timedelta

from artstore_kit.contracts.errors import AccountLocked

FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
FORGOTTEN_AFTER = LOCKED_FOR
"""A failure counts together with those that are no more than this apart."""


def key_of(username: str) -> bytes:
    """By this failures are counted: what people type by mistake into the field of the name is not kept."""
    return hashlib.sha256(username.encode()).digest()


def locked(locked_until: datetime | None, now: datetime) -> AccountLocked | None:
    """The refusal, with the time to wait, while the lock lasts."""
    if locked_until is None or now >= locked_until:
        return None
    wait_s = int((locked_until - now).total_seconds()) + 1
    return AccountLocked(
        f"After {FAILURES_ALLOWED} failures the account is locked; try again in {wait_s} s.",
        headers={"Retry-After": str(wait_s)},
    )
