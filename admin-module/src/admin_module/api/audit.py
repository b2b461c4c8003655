"""`/audit`: entries are delivered and looked for; checkpoints and proofs let anybody check the log."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from admin_module.api.audit_filters import FiltersOf
from admin_module.api.cursors import cursor_after, id_in
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.audit import (
    AuditBatch,
    AuditReceipt,
    AuditRecord,
    ConsistencyProof,
    InclusionProof,
)
from artstore_kit.contracts.errors import InvalidFields
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from artstore_kit.principal import Principal
from artstore_kit.rights import PUBLIC

router = APIRouter(prefix="/audit", tags=["audit"])
Given = Annotated[Services, Depends(services_of(Services))]
Place = Annotated[int, Query(ge=0, lt=2**63)]
Size = Annotated[int, Query(ge=1, lt=2**63)]


@router.post("/entries")
async def deliver(
    batch: AuditBatch, who: Annotated[Principal, needs(Scope.AUDIT_WRITE)], services: Given
) -> AuditReceipt:
    """Append entries, with your name. Each counts once, by its id, however often and wherever it is delivered."""
    return await services.audit.deliver(batch.entries, by=who)


@router.get("/entries", dependencies=[needs(Scope.AUDIT_READ)])
async def page(
    services: Given,
    filters: FiltersOf,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str = "",
) -> Page[AuditRecord]:
    """Entries that match, the newest deed first."""
    records = await services.audit_search.page(filters, id_in(cursor), limit)
    return Page(items=list(records), next_cursor=cursor_after([str(each.entry.entry_id) for each in records], limit))


@router.get("/checkpoint", openapi_extra=PUBLIC, response_class=Response)
async def checkpoint(services: Given) -> Response:
    """The newest checkpoint: a signed note (C2SP tlog-checkpoint). It tells nothing but how many entries there are."""
    return Response((await services.checkpoints.newest()).note, media_type="text/plain; charset=utf-8")


@router.get("/proofs/consistency", openapi_extra=PUBLIC)
async def consistency(services: Given, first: Size, second: Size | None = None) -> ConsistencyProof:
    """The proof that the log with `second` entries, or as it was last signed, begins with that of `first`."""
    return await services.audit_proofs.consistency(first, second)


@router.get("/proofs/inclusion", dependencies=[needs(Scope.AUDIT_READ)])
async def inclusion(
    services: Given, entry_id: UUID | None = None, index: Place | None = None, size: Size | None = None
) -> InclusionProof:
    """The proof that an entry, named by its id or its place, is in the log with `size` entries, or as last signed."""
    match entry_id, index:
        case UUID(), None:
            return await services.audit_proofs.inclusion_of(entry_id, size)
        case None, int():
            return await services.audit_proofs.inclusion_at(index, size)
    raise InvalidFields("Name the entry by entry_id or by index, one of them.")
