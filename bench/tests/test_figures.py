"""Medians, ratios and aims."""

import pytest

from bench.figures import Aim, Figure, Result, Role, percentiles, ratio
from bench.rounds import Contestant, interleaved


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    assert ratio([10, 100, 30], [5, 50, 10]) == 2


def test_percentiles_lie_between_what_was_measured() -> None:
    assert percentiles([float(number) for number in range(101)]) == {"p50": 50, "p95": 95, "p99": 99}


def test_contestants_take_turns_and_are_compared_round_by_round() -> None:
    taken: list[str] = []
    values = iter([2.0, 6.0, 3.0, 3.0])

    def measured(name: str) -> float:
        taken.append(name)
        return next(values)

    contestants = [
        Contestant("peer", Role.PEER, "files/s", lambda: measured("peer")),
        Contestant("ours", Role.ARTSTORE, "files/s", lambda: measured("ours"), ["peer", "not installed"]),
    ]
    figures = interleaved(contestants, 2, lambda: taken.append("quiet"), lambda _: None)

    assert taken == ["quiet", "peer", "quiet", "ours"] * 2
    assert [figure.values for figure in figures] == [[2, 3], [6, 3]]
    assert figures[1].ratios == {"peer": 2}


def test_several_values_of_one_measurement_are_figures_of_their_own() -> None:
    floor = Contestant("floor", Role.LIMIT, "ms", lambda: {"p50": 1.0, "p99": 2.0})
    asked = Contestant("asked", Role.ARTSTORE, "ms", lambda: {"p50": 3.0, "p99": 8.0}, ["floor"])

    figures = interleaved([floor, asked], 1, lambda: None, lambda _: None)

    assert [figure.name for figure in figures] == ["floor, p50", "floor, p99", "asked, p50", "asked, p99"]
    assert [figure.ratios for figure in figures[2:]] == [{"floor, p50": 3}, {"floor, p99": 4}]


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        (Aim("", "ours", at_least=20), True),
        (Aim("", "ours", at_most=19), False),
        (Aim("", "ours", at_most=29, of=max), False),
        (Aim("", "ours", against="peer", at_least=4), True),
        (Aim("", "ours", against="peer", at_least=4.1), False),
    ],
)
def test_an_aim_is_met_or_missed(aim: Aim, met: bool) -> None:
    ours = Figure("ours", Role.ARTSTORE, "files/s", [10, 20, 30], {"peer": 4.0})
    assert [judged.met for judged in Result("benchmark", [ours], [aim]).judged()] == [met]
