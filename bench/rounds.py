"""Limits, peers and ArtStore measured in turn, round after round, so that what slows the machine slows them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.figures import Figure, Role, ratio

ONE = ""
"""The key of a measurement that brings one value only."""

type Measured = float | Mapping[str, float]


@dataclass(frozen=True)
class Contestant:
    """`measure` brings one value or several by name (p50, p99); `against` are contestants that it is compared with.

    `units` are of those values that are not in `unit`.
    """

    name: str
    role: Role
    unit: str
    measure: Callable[[], Measured]
    against: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)


def interleaved(
    contestants: Sequence[Contestant], runs: int, before: Callable[[], object], tell: Callable[[str], None]
) -> list[Figure]:
    """Every contestant once a round; `before` is called ahead of each and sees that nothing is left of the last."""
    rounds: list[dict[str, Mapping[str, float]]] = []
    for number in range(1, runs + 1):
        taken: dict[str, Mapping[str, float]] = {}
        for contestant in contestants:
            before()
            tell(f"round {number} of {runs}: {contestant.name}")
            taken[contestant.name] = _named(contestant.measure())
        rounds.append(taken)
    return [figure for contestant in contestants for figure in _figures(contestant, rounds)]


def _named(measured: Measured) -> Mapping[str, float]:
    return measured if isinstance(measured, Mapping) else {ONE: measured}


def _figures(contestant: Contestant, rounds: Sequence[Mapping[str, Mapping[str, float]]]) -> list[Figure]:
    figures = []
    for key in rounds[0][contestant.name]:
        values = [taken[contestant.name][key] for taken in rounds]
        comparable = [name for name in contestant.against if key in rounds[0].get(name, {})]
        others = {name: [taken[name][key] for taken in rounds] for name in comparable}
        ratios = {name_of(name, key): ratio(values, theirs) for name, theirs in others.items()}
        unit = contestant.units.get(key, contestant.unit)
        figures.append(Figure(name_of(contestant.name, key), contestant.role, unit, values, ratios))
    return figures


def name_of(contestant: str, key: str) -> str:
    """The name of one of a contestant's figures."""
    return f"{contestant}, {key}" if key else contestant
