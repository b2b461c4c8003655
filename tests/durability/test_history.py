"""The judge of histories accepts what can have happened, and refuses what cannot."""

from math import inf

import pytest

from tests.durability.linearizable import Act, is_linearizable

MADE = Act(0, 1, "made", creates=True)


def read(start: float, value: str | None, end: float | None = None) -> Act:
    return Act(start, end or start + 0.5, value, is_read=True)


@pytest.mark.parametrize(
    "acts",
    [
        [],
        [read(0, None)],
        [MADE, read(2, "made")],
        [MADE, read(0.5, None, 3), read(0.5, "made", 3)],
        [MADE, Act(2, 9, "changed"), read(3, "made"), read(4, "changed")],
        [MADE, Act(2, 3, None), read(4, None), Act(5, 6, "again", creates=True), read(7, "again")],
        [MADE, Act(2, inf, "unanswered"), read(3, "made"), read(8, "unanswered")],
        [MADE, Act(2, inf, "unanswered"), read(3, "made")],
        [Act(0, 9, "one", creates=True), Act(0, 9, None), read(10, None)],
    ],
)
def test_what_can_have_happened_is_accepted(acts: list[Act]) -> None:
    assert is_linearizable(acts)


@pytest.mark.parametrize(
    "acts",
    [
        pytest.param([MADE, read(2, None)], id="an acknowledged file is gone"),
        pytest.param([read(0, "never written")], id="a file from nowhere"),
        pytest.param([MADE, Act(2, 3, "changed"), read(4, "made")], id="a lost change"),
        pytest.param([MADE, Act(2, 3, None), read(4, "made")], id="a removed file comes back"),
        pytest.param([MADE, Act(2, 9, "changed"), read(3, "changed"), read(5, "made")], id="back in time"),
        pytest.param([MADE, Act(2, 3, "twice", creates=True)], id="made twice"),
        pytest.param([MADE, Act(2, inf, "late"), read(3, "late"), read(4, "made")], id="unanswered, seen, lost"),
        pytest.param([Act(0, 1, "changed")], id="changed before it was there"),
    ],
)
def test_what_cannot_have_happened_is_refused(acts: list[Act]) -> None:
    assert not is_linearizable(acts)
