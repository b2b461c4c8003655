"""Very many creates in a row, checkpoints and all: whether memory grows, and how far the slow ones are behind."""

from collections.abc import Iterator, Sequence

from bench import uploads
from bench.bed import Bed
from bench.figures import Aim, Figure, Role
from bench.jobs import Store
from bench.memory import growth
from bench.plan import IN_FLIGHT, Plan
from bench.rates import P99, UNITS, tail

SIZE_BYTES = 4096
MOST_MIB = 16
GROWTH = "growth of the memory"


def run(bed: Bed, plan: Plan) -> Sequence[Figure]:
    """Once. The first tenth fills the caches of a process that has just begun; from there on nothing may grow."""
    bed.tell(f"{plan.creates} creates in a row")
    bed.fleet.restart(uploads.ELEMENT)
    growth(bed, _creates(bed, plan.creates // 10))
    grown, outcome = growth(bed, _creates(bed, plan.creates))
    what = _what(plan)
    return [
        Figure(f"{what}, ArtStore", Role.ARTSTORE, "files/s", [outcome.per_s]),
        Figure(f"{what}, {P99}", Role.ARTSTORE, UNITS[P99], [tail(outcome)]),
        Figure(f"{what}, {GROWTH}", Role.ARTSTORE, "MiB", [grown[uploads.ELEMENT]]),
    ]


def aims(plan: Plan) -> Iterator[Aim]:
    """Flat memory, and no long tail."""
    what = _what(plan)
    yield Aim(f"{what} make the memory grow by at most {MOST_MIB} MiB", f"{what}, {GROWTH}", at_most=MOST_MIB)
    yield Aim(f"{what}, p99 at most 3x p50", f"{what}, {P99}", at_most=3)


def _creates(bed: Bed, count: int) -> Store:
    return uploads.to_element(bed, SIZE_BYTES).model_copy(update={"in_flight": IN_FLIGHT, "count": count})


def _what(plan: Plan) -> str:
    return f"{plan.creates:,} creates of 4 KiB with {IN_FLIGHT} in flight".replace(",", " ")
