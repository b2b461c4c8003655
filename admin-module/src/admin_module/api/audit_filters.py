"""What of the audit log is asked for: filters and cursors of its lists."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime

from admin_module.domain.audit_filters import Filters
from artstore_kit.contracts.audit import AuditOutcome, AuditRecord
from artstore_kit.contracts.errors import BadCursor
from artstore_kit.contracts.files import PlainText
from artstore_kit.contracts.paging import decode_cursor, encode_cursor

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


def id_in(cursor: str) -> UUID | None:
    """The entry before which the list goes on; none for its beginning."""
    if not cursor:
        return None
    (text,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(text))
    except ValueError:
        raise BadCursor from None


def cursor_after(records: Sequence[AuditRecord], limit: int) -> str | None:
    """None when the list ends within this page. A full last page is followed by an empty one."""
    return encode_cursor(str(records[-1].entry.entry_id)) if len(records) == limit else None
