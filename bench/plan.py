"""How much is measured: the whole, or a quick look that shows that the benchmarks work."""

from dataclasses import dataclass

MIB = 2**20
IN_FLIGHT = 32
SMALL_SIZES = {"4 KiB": 4096, "64 KiB": 65536}


@dataclass(frozen=True)
class Plan:
    """One run. `seconds` is how long each measurement of a rate lasts, after `warm_up` requests that do not count.

    Before it the fleet is given `quiet_within_s` to come to rest.
    """

    runs: int
    quick: bool
    seconds: float
    warm_up: int
    quiet_within_s: float
    large_bytes: int
    documents: int
    questions: int
    probes: int

    @property
    def large(self) -> str:
        """The size of a large file, as figures name it."""
        return "1 GiB" if self.large_bytes == 1024 * MIB else f"{self.large_bytes // MIB} MiB"


def plan_of(*, quick: bool, runs: int) -> Plan:
    """The whole takes about half an hour on two cores, and 8 GiB of disk a round."""
    if quick:
        return Plan(runs, quick, 0.3, IN_FLIGHT, 0, 128 * MIB, documents=2000, questions=40, probes=10)
    return Plan(runs, quick, 4.0, 256, 60, 1024 * MIB, documents=100_000, questions=400, probes=200)
