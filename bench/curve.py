"""What a create costs on an element that holds more and more files, beside an element that holds few."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bench import uploads
from bench.bed import Bed
from bench.figures import Aim, Figure, Role
from bench.jobs import carry_out
from bench.plan import IN_FLIGHT, Plan
from bench.rates import PROCESSOR, UNITS, watched
from bench.rounds import Contestant, interleaved, name_of

SIZE_BYTES = 4096
SMALL = "rw-1"
"""It gets nothing but the measured creates: what slows the machine slows both."""
FILLED_AT_ONCE = 20_000
REQUESTS_IN_FLIGHT = 4
APART_MS = 60
YEARS_MS = 3 * 365 * 86_400_000
DEAREST = 1.15


def run(bed: Bed, plan: Plan) -> Sequence[Figure]:
    """The files come through the element's own route for many; a thousand share a minute, as in life."""
    plan = replace(plan, seconds=plan.seconds / 4)  # what is measured adds to the files, too
    figures: list[Figure] = []
    filling = Filling(bed, plan.curve[-1] if plan.curve else 0)
    for files in plan.curve:
        filling.up_to(files)
        figures += interleaved(list(_contestants(bed, plan, files)), plan.runs, bed.settle, bed.tell)
    return figures


def aims(plan: Plan) -> Iterator[Aim]:
    """A create costs the same with many files as with few."""
    for files in plan.curve:
        what = _what(files)
        ours, small = name_of(f"{what}, ArtStore", PROCESSOR), name_of(f"{what}, {SMALL} with few", PROCESSOR)
        yield Aim(f"{what}, a create takes at most {DEAREST}x what it takes with few", ours, small, at_most=DEAREST)


def _what(files: int) -> str:
    return f"with {files:,} files or more".replace(",", " ")


def _contestants(bed: Bed, plan: Plan, files: int) -> Iterator[Contestant]:
    what = _what(files)
    small = f"{what}, {SMALL} with few"
    yield Contestant(small, Role.PEER, "files/s", partial(_measure, bed, plan, SMALL), units=UNITS)
    ours = partial(_measure, bed, plan, uploads.ELEMENT)
    yield Contestant(f"{what}, ArtStore", Role.ARTSTORE, "files/s", ours, [small], UNITS)


def _measure(bed: Bed, plan: Plan, part: str) -> Mapping[str, float]:
    return watched(bed, [part], uploads.to_element(bed, SIZE_BYTES, bed.port(part)), IN_FLIGHT, plan)


class Filling:
    """Brings the element to so many files."""

    def __init__(self, bed: Bed, most: int) -> None:
        self._bed = bed
        self._most = most
        self._began = time.monotonic()
        self._first_ms = time.time_ns() // 1_000_000 - YEARS_MS
        self._files = 0

    def up_to(self, files: int) -> None:
        while self._files < files:
            self._fill(min(FILLED_AT_ONCE, files - self._files))
            self._bed.tell(f"{self._files} of {self._most} files are there; {self._left()}")

    def _fill(self, files: int) -> None:
        """To whole requests."""
        job = uploads.many_to_element(self._bed, SIZE_BYTES, self._first_ms + self._files * APART_MS, APART_MS)
        requests = -(-files // job.files)
        carry_out(job.model_copy(update={"in_flight": REQUESTS_IN_FLIGHT, "count": requests}))
        self._files += requests * job.files

    def _left(self) -> str:
        spent_s = time.monotonic() - self._began
        return f"the rest takes about {max(spent_s * (self._most / self._files - 1), 0) / 60:.0f} min"
