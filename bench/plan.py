"""How much is measured: the whole, or a quick look that shows that the benchmarks work."""

from collections.abc import Sequence
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
    create_sizes_kib: Sequence[int]
    create_in_flight: Sequence[int]
    creates: int
    accounts: int
    audit_entries: int
    audit_tree: int
    curve: Sequence[int] = ()

    @property
    def large(self) -> str:
        """The size of a large file, as figures name it."""
        return "1 GiB" if self.large_bytes == 1024 * MIB else f"{self.large_bytes // MIB} MiB"


def plan_of(*, quick: bool, runs: int, curve: bool = False) -> Plan:
    """The whole takes about half an hour on two cores, and 8 GiB of disk a round."""
    return _quick(runs, curve=curve) if quick else _whole(runs, curve=curve)


def _quick(runs: int, *, curve: bool) -> Plan:
    return Plan(
        runs=runs,
        quick=True,
        seconds=0.3,
        warm_up=IN_FLIGHT,
        quiet_within_s=0,
        large_bytes=128 * MIB,
        documents=2000,
        questions=40,
        probes=10,
        create_sizes_kib=(4,),
        create_in_flight=(32, 64),
        creates=1000,
        accounts=200,
        audit_entries=20_000,
        audit_tree=100_000,
        curve=(500, 1000) if curve else (),
    )


def _whole(runs: int, *, curve: bool) -> Plan:
    return Plan(
        runs=runs,
        quick=False,
        seconds=4.0,
        warm_up=256,
        quiet_within_s=60,
        large_bytes=1024 * MIB,
        documents=100_000,
        questions=400,
        probes=200,
        create_sizes_kib=(1, 4, 16, 64, 256),
        create_in_flight=(1, 32, 64, 128),
        creates=100_000,
        accounts=10_000,
        audit_entries=1_000_000,
        audit_tree=10_000_000,
        curve=(10_000, 30_000, 100_000, 300_000, 1_000_000) if curve else (),
    )
