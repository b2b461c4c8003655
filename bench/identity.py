"""Who may do what, and who did what: the admin module's own speed."""

from bench import audit
from bench.bed import Bed
from bench.figures import Result
from bench.plan import Plan

NAME = "identity"


def run(bed: Bed, plan: Plan) -> Result:
    """The audit log, and the answers of the admin API beside it."""
    return Result(NAME, audit.figures(bed, plan), list(audit.aims(plan)), notes=[_note(plan)])


def _note(plan: Plan) -> str:
    return f"beyond {plan.audit_entries:,} entries the log has its whole tree, and no rows: proofs by place read none"
