"""What a load process brought, as the figures that it is for."""

from collections.abc import Mapping, Sequence

from bench import uploads
from bench.bed import Bed
from bench.figures import percentiles
from bench.jobs import Fetch, Outcome, Store, StoredFile, carry_out
from bench.plan import IN_FLIGHT, Plan
from bench.rounds import ONE

P99 = "p99 over p50"
PROCESSOR = "processor time a file"
UNITS = {P99: "x", PROCESSOR: "ms"}
"""Of what `watched` brings beside the rate."""


def per_s(job: Store | Fetch, in_flight: int, plan: Plan) -> float:
    """Requests a second."""
    return _steady(job, in_flight, plan).per_s


def watched(bed: Bed, parts: Sequence[str], job: Store | Fetch, in_flight: int, plan: Plan) -> Mapping[str, float]:
    """Requests a second, how far the slowest one of a hundred is behind, and what `parts` work for each."""
    before = bed.used_s(parts)
    outcome = _steady(job, in_flight, plan)
    bed.settle()  # what comes after the answer is work for the file, too
    used_ms = (bed.used_s(parts) - before) * 1000
    return {ONE: outcome.per_s, P99: tail(outcome), PROCESSOR: used_ms / (outcome.done + plan.warm_up)}


def tail(outcome: Outcome) -> float:
    """p99 of the times over their p50."""
    cut = percentiles(outcome.times_ms)
    return cut["p99"] / cut["p50"]


def to_be_read(bed: Bed, plan: Plan, size_bytes: int, parts: Sequence[str]) -> list[StoredFile]:
    """Files that were uploaded, read back once from each of `parts`, and compared."""
    how = {"in_flight": IN_FLIGHT, "count": plan.warm_up * 2}
    files = carry_out(uploads.to_ingester(bed, size_bytes).model_copy(update=how)).files
    for part in parts:
        carry_out(uploads.from_part(bed, part, files, size_bytes, hashed=True).model_copy(update=how))
    return files


def _steady(job: Store | Fetch, in_flight: int, plan: Plan) -> Outcome:
    how = {"in_flight": in_flight, "seconds": plan.seconds, "warm_up": plan.warm_up}
    return carry_out(job.model_copy(update=how))
