"""The clocks of this machine: wall, uptime, and which boot it is (clock_gettime(2), CLOCK_BOOTTIME)."""

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from storage_element.domain.clock import Instant


def machine_clock() -> Instant:
    """What they show now."""
    return Instant(wall=datetime.now(UTC), uptime_s=time.clock_gettime(time.CLOCK_BOOTTIME), boot_id=_boot_id())


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
