"""How fast the index of a stopped element is made anew from all the files that the benchmark has put there."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import uploads
from bench.bed import Bed
from bench.figures import Aim, Figure, Role
from bench.plan import Plan

NAME = "index made anew from the files"
LEAST_PER_S = 5000
PROGRAM = Path(sys.executable).with_name("artstore-element")


def run(bed: Bed, plan: Plan) -> Sequence[Figure]:
    """The command's own time: recovery, both roots, and the exchange; the page cache is warm, as far as it reaches."""
    bed.tell("the index is made anew")
    bed.settle()
    bed.fleet.stop_one(uploads.ELEMENT)
    try:
        rates = [_rebuild(bed) for _ in range(plan.runs)]
    finally:
        bed.fleet.start_one(uploads.ELEMENT)
    return [Figure(NAME, Role.ARTSTORE, "files/s", rates)]


def aims() -> Iterator[Aim]:
    """An index that was lost is back before anybody has to wait for long."""
    yield Aim(f"{NAME} at {LEAST_PER_S} files/s", NAME, at_least=LEAST_PER_S)


def _rebuild(bed: Bed) -> float:
    environment = bed.fleet.parts[uploads.ELEMENT].process.environment
    command = [str(PROGRAM), "rebuild-index", "--json", environment["ARTSTORE_ELEMENT__ROOT"]]
    ran = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=True)
    outcome = json.loads(ran.stdout)
    return float(outcome["files"]["files"] / outcome["seconds"])
