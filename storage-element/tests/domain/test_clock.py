"""A clock is believed as long as it moves with the time that passes."""

from datetime import UTC, datetime, timedelta

import pytest

from storage_element.domain.clock import Instant, doubt

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = 3600.0, 86_400.0


def instant(wall_s: float, uptime_s: float, boot: str = "a") -> Instant:
    return Instant(wall=BEGINNING + timedelta(seconds=wall_s), uptime_s=uptime_s, boot_id=boot)


def is_doubted(now: Instant) -> bool:
    return bool(doubt(instant(0, 1000), now, tolerance_s=300, longest_stop_s=DAY))


@pytest.mark.parametrize(
    ("moved_s", "passed_s", "doubted"),
    [
        (60, 60, False),
        (360, 60, False),
        (361, 60, True),
        (-240, 60, False),
        (-241, 60, True),
        (400 * DAY, 400 * DAY, False),
        (400 * DAY, 60, True),
        (-DAY, 60, True),
        (60, DAY, True),
    ],
)
def test_within_one_boot_it_follows_the_uptime(moved_s: float, passed_s: float, doubted: bool) -> None:
    assert is_doubted(instant(moved_s, 1000 + passed_s)) is doubted


@pytest.mark.parametrize(
    ("moved_s", "uptime_s", "doubted"),
    [
        (HOUR, 60, False),
        (DAY, 60, False),
        (2 * DAY, 60, True),
        (2 * DAY, 1.5 * DAY, False),
        (400 * DAY, 60, True),
        (-200, 60, False),
        (-HOUR, 60, True),
    ],
)
def test_over_a_restart_of_the_machine_it_goes_on_a_little(moved_s: float, uptime_s: float, doubted: bool) -> None:
    assert is_doubted(instant(moved_s, uptime_s, "b")) is doubted
