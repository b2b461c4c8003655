"""Every part of the proof, as `./fleet durability` runs it."""

import pytest

from tests.durability.everything import one_process
from tests.durability.part import Order

AT_LEAST = {
    "power": ("crash_states", 20_000),
    "kill": ("kill_points", 900),
    "bucket": ("kill_points", 100),
    "error": ("errors", 2_500),
    "damage": ("damage", 70),
    "history": ("histories", 400),
    "rules": ("histories", 25),
}


@pytest.mark.parametrize("part", AT_LEAST)
def test_what_was_promised_is_kept(part: str) -> None:
    outcome = one_process(Order(), part, 0, 1)
    counted, least = AT_LEAST[part]
    assert outcome.wrong == [], outcome.report(Order().seed)
    assert outcome.counts[counted] >= least
