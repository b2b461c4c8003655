"""Trying again, a bounded number of times, what failed in a way that passes."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator

from artstore.problems import RETRY_AFTER_HEADER
from artstore_kit.contracts.errors import (
    ArtStoreError,
    IdempotencyInProgress,
    IdempotencyUnavailable,
    UploadInProgress,
)

ATTEMPTS = 5
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
LONGEST_RETRY_AFTER_S = 30.0
_PASSING_STATUSES = {502, 503, 504}
# The first attempt is still being carried out: its answer is ready soon.
_PASSING_KINDS = (IdempotencyInProgress, UploadInProgress)


async def persist[T](attempt: Callable[[], Awaitable[T]], *, may_repeat: Callable[[], bool] = lambda: True) -> T:
    """What `attempt` gives, tried up to `ATTEMPTS` times; the last error when none succeeds.

    `attempt` must be safe to repeat: by its method, or by an Idempotency-Key.
    """
    for pause_s in pauses():
        try:
            return await attempt()
        except ArtStoreError as error:
            asked_s = retry_after_s(error)
            if not passes(error) or asked_s > LONGEST_RETRY_AFTER_S or not may_repeat():
                raise
            await asyncio.sleep(max(pause_s, asked_s))
    return await attempt()


def pauses() -> Iterator[float]:
    """Seconds between attempts: full jitter under a doubling ceiling, so that many clients do not come in step."""
    for doubling in range(ATTEMPTS - 1):
        yield random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**doubling))  # noqa: S311 (no secret)


def passes(error: ArtStoreError) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, IdempotencyUnavailable):
        return False  # whoever sent the key decides whether to go on without it
    return error.status in _PASSING_STATUSES or isinstance(error, _PASSING_KINDS)


def retry_after_s(error: ArtStoreError) -> float:
    """What the server asked for, in seconds; 0 when it did not say (dates are not used by ArtStore)."""
    value = error.headers.get(RETRY_AFTER_HEADER, "")
    return float(value) if value.isascii() and value.isdecimal() else 0.0
