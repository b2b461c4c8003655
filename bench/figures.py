"""What a measurement is: the values of all rounds, what they are compared with, and what was aimed at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median, quantiles


class Role(StrEnum):
    """Limits are what the machine can do, peers what a simpler design does."""

    LIMIT = "limit"
    PEER = "peer"
    ARTSTORE = "ArtStore"


@dataclass(frozen=True)
class Figure:
    """One value a round. `ratios` says how many times that of another figure it is, round by round in the median."""

    name: str
    role: Role
    unit: str
    values: Sequence[float]
    ratios: Mapping[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """What the figure is, for one number."""
        return median(self.values)


@dataclass(frozen=True)
class Aim:
    """What was wanted of a figure: of its ratio to the figure `against`, or else of its median (or what `of` makes)."""

    text: str
    figure: str
    against: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    of: Callable[[Sequence[float]], float] = median


@dataclass(frozen=True)
class Judged:
    """An aim, and what came of it."""

    aim: Aim
    measured: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the aim was reached."""
        enough = self.aim.at_least is None or self.measured >= self.aim.at_least
        return enough and (self.aim.at_most is None or self.measured <= self.aim.at_most)


@dataclass(frozen=True)
class Result:
    """What a benchmark brought; `failure` says why it brought nothing, `notes` what is missing in it."""

    name: str
    figures: Sequence[Figure] = ()
    aims: Sequence[Aim] = ()
    failure: str | None = None
    notes: Sequence[str] = ()

    def judged(self) -> list[Judged]:
        """Every aim beside what was measured."""
        figures = {figure.name: figure for figure in self.figures}
        return [_judged(aim, figures[aim.figure]) for aim in self.aims if aim.figure in figures]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' own ratios: what slowed a whole round slowed both."""
    return median(mine / max(other, 1e-9) for mine, other in zip(ours, theirs, strict=True))


def percentiles(times_ms: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99, between the measured ones where these are few."""
    cut = quantiles(times_ms, n=100, method="inclusive")
    return {"p50": cut[49], "p95": cut[94], "p99": cut[98]}


def _judged(aim: Aim, figure: Figure) -> Judged:
    if aim.against:
        return Judged(aim, figure.ratios[aim.against], "x")
    return Judged(aim, aim.of(figure.values), figure.unit)
