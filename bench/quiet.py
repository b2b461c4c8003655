"""Quiet before each measurement: what one contestant has left to do must not cost the next one its time."""

import os
import time
from collections.abc import Callable

QUIET_SHARE = 0.1
LOOK_EVERY_S = 0.25


def settle(busy_s: Callable[[], float], within_s: float) -> bool:
    """Wait until what was written lies on the disk and `busy_s` (CPU seconds used so far) hardly grows any more.

    Whether that was reached; with `within_s` of 0 nothing is waited for.
    """
    if within_s <= 0:
        return False
    os.sync()
    until = time.monotonic() + within_s
    before = busy_s()
    while time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        now = busy_s()
        if now - before < QUIET_SHARE * LOOK_EVERY_S:
            return True
        before = now
    return False
