"""Who may do what, and who did what: the admin module's own speed."""

from bench import audit, token_issue
from bench.bed import Bed
from bench.figures import Result
from bench.plan import Plan
from bench.rounds import interleaved

NAME = "identity"


def run(bed: Bed, plan: Plan) -> Result:
    """Tokens while the tables are small; then the audit log, and the answers of the admin API beside it."""
    tokens = interleaved(list(token_issue.contestants(bed, plan)), plan.runs, bed.settle, bed.tell)
    figures = [*tokens, *audit.figures(bed, plan)]
    return Result(NAME, figures, [*token_issue.aims(), *audit.aims(plan)], notes=[_note(plan)])


def _note(plan: Plan) -> str:
    return f"beyond {plan.audit_entries:,} entries the log has its whole tree, and no rows: proofs by place read none"
