"""What of the audit log is asked for: the filters of its lists."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from admin_module.domain.audit_filters import Filters
from artstore_kit.contracts.audit import AuditOutcome
from artstore_kit.contracts.files import PlainText

Word = Annotated[PlainText, Query(max_length=64)]


def _filters(
    *,
    actor: Word = "",
    client_id: Word = "",
    acting_for: Word = "",
    action: Annotated[
        str, Query(pattern=r"^[a-z_.]*$", max_length=64, description="one, or all that begin with it: `file.`")
    ] = "",
    resource: Annotated[PlainText, Query(max_length=256)] = "",
    service: Word = "",
    outcome: AuditOutcome | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="the first moment of a deed")] = None,
    until: Annotated[AwareDatetime | None, Query(description="the first moment that is too late")] = None,
) -> Filters:
    return Filters(actor, client_id, acting_for, action, resource, service, outcome, since, until)


FiltersOf = Annotated[Filters, Depends(_filters)]
