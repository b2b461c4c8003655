"""By how much one large upload and one large download raise the memory of each process of the fleet."""

from collections.abc import Iterator, Mapping, Sequence

import psutil

from bench import peaks, uploads
from bench.bed import Bed
from bench.figures import Aim, Figure, Result, Role
from bench.jobs import Fetch, Outcome, Store, StoredFile, carry_out
from bench.plan import Plan

NAME = "memory"
UNIT = "MiB"
MOST_MIB = 64
FRESH = ("edit-1", "ingester", "query")
"""Restarted before each round: what an earlier transfer has left allocated would hide the next one's growth."""
WARM_BYTES = 64 * 1024
LARGEST = "largest of all processes"

type Growth = Mapping[str, float]


def run(bed: Bed, plan: Plan) -> Result:
    """Peaks of resident memory (VmHWM) above what was resident just before, part by part."""
    memory = Memory(bed, plan.large_bytes)
    rounds = []
    for number in range(1, plan.runs + 1):
        bed.tell(f"round {number} of {plan.runs}")
        rounds.append(memory.round())
    ways = {way: [growths[way] for growths in rounds] for way in rounds[0]}
    figures = [figure for way, growths in ways.items() for figure in _figures(f"{plan.large} {way}", growths)]
    return Result(NAME, figures, [_aim(f"{plan.large} {way}") for way in ways])


class Memory:
    """One round after the other, each on fresh processes."""

    def __init__(self, bed: Bed, size_bytes: int) -> None:
        self._bed = bed
        self._size = size_bytes

    def round(self) -> Mapping[str, Growth]:
        """One upload, then its download."""
        for name in FRESH:
            self._bed.fleet.restart(name)
        self._bring(self._store(WARM_BYTES), WARM_BYTES)
        up, stored = growth(self._bed, _once(uploads.to_ingester(self._bed, self._size)))
        down, _ = growth(self._bed, _once(uploads.from_part(self._bed, "query", stored.files, self._size)))
        return {"up": up, "down": down}

    def _store(self, size: int) -> list[StoredFile]:
        return carry_out(_once(uploads.to_ingester(self._bed, size))).files

    def _bring(self, files: list[StoredFile], size: int) -> None:
        carry_out(_once(uploads.from_part(self._bed, "query", files, size, hashed=True)))


def growth(bed: Bed, job: Store | Fetch) -> tuple[Growth, Outcome]:
    """The largest growth among each part's processes, in MiB, and what was done meanwhile."""
    bed.settle()
    before = {process: peaks.reset(process.pid) for _, process in _processes(bed)}
    outcome = carry_out(job)
    grown: dict[str, float] = {}
    for name, process in _processes(bed):
        # Of a process that began meanwhile, what it shares with others is nobody's growth.
        more = peaks.peak(process.pid) - before.get(process, peaks.shared(process.pid))
        grown[name] = max(grown.get(name, 0.0), more)
    return grown, outcome


def _processes(bed: Bed) -> Iterator[tuple[str, psutil.Process]]:
    for name, processes in bed.processes().items():
        for process in processes:
            yield name, process


def _once(job: Store | Fetch) -> Store | Fetch:
    return job.model_copy(update={"count": 1})


def _figures(what: str, growths: Sequence[Growth]) -> Iterator[Figure]:
    for name in growths[0]:
        yield Figure(f"{what}, {name}", Role.ARTSTORE, UNIT, [growth[name] for growth in growths])
    yield Figure(f"{what}, {LARGEST}", Role.ARTSTORE, UNIT, [max(growth.values()) for growth in growths])


def _aim(what: str) -> Aim:
    text = f"{what} raises no process's memory by more than {MOST_MIB} MiB, in no round"
    return Aim(text, f"{what}, {LARGEST}", at_most=MOST_MIB, of=max)
