"""What of the audit log is asked for: the filters of its lists."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime

from admin_module.domain.audit_filters import Filters
from artstore_kit.contracts.audit import AuditOutcome
from artstore_kit.contracts.errors import FieldProblem, InvalidFields
from artstore_kit.contracts.files import PlainText

Word = Annotated[PlainText, Query(max_length=64)]


_OTHERS = frozenset({"limit", "cursor", "format"})


def _filters(
    request: Request,
    *,
    actor: Word = "",
    client_id: Word = "",
    acting_for: Annotated[PlainText, Query(max_length=255)] = "",
    action: Annotated[
        str, Query(pattern=r"^[a-z_.]*$", max_length=64, description="one, or all that begin with it: `file.`")
    ] = "",
    resource: Annotated[PlainText, Query(max_length=256)] = "",
    service: Word = "",
    outcome: AuditOutcome | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="the first moment of a deed")] = None,
    until: Annotated[AwareDatetime | None, Query(description="the first moment that is too late")] = None,
) -> Filters:
    _require_known([name for name, _ in request.query_params.multi_items()])
    return Filters(actor, client_id, acting_for, action, resource, service, outcome, since, until)


def _require_known(asked: Sequence[str]) -> None:
    """A filter that is spelt wrong would find everything, of one that is given twice one half; audits go by that."""
    known = _OTHERS | {"from", *(each.name for each in fields(Filters) if each.name != "since")}
    if len(asked) > len(set(asked)):
        raise InvalidFields("A filter is given more than once.")
    if unknown := sorted(set(asked) - known):
        problems = [FieldProblem(field=f"query.{name}", message=_UNKNOWN) for name in unknown]
        raise InvalidFields(f"query.{unknown[0]}: {_UNKNOWN}; these are: {', '.join(sorted(known))}.", errors=problems)


_UNKNOWN = "there is no such filter"

FiltersOf = Annotated[Filters, Depends(_filters)]
