"""`/service-accounts`: programs' identities."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from admin_module.api.cursors import cursor_after, name_in
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.identity import (
    CLIENT_ID_PATTERN,
    CreatedServiceAccount,
    NewServiceAccount,
    Scope,
    ServiceAccount,
)
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from artstore_kit.principal import Principal

router = APIRouter(prefix="/service-accounts", tags=["service accounts"])
Given = Annotated[Services, Depends(services_of(Services))]
Writer = Annotated[Principal, needs(Scope.ACCOUNTS_WRITE)]


@router.post("", status_code=201)
async def create(new: NewServiceAccount, who: Writer, services: Given, response: Response) -> CreatedServiceAccount:
    """Make an account. Its secret is shown in this answer only; you can give no right that you do not hold."""
    account = await services.accounts.create(new, by=who)
    response.headers.update({"Location": f"/api/v1/service-accounts/{account.client_id}", "Cache-Control": "no-store"})
    return account


@router.get("", dependencies=[needs(Scope.ACCOUNTS_READ)])
async def page(
    services: Given,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str = "",
) -> Page[ServiceAccount]:
    """Accounts by name."""
    accounts = await services.accounts.page(name_in(cursor), limit)
    return Page(items=accounts, next_cursor=cursor_after([account.client_id for account in accounts], limit))


@router.get("/{client_id}", dependencies=[needs(Scope.ACCOUNTS_READ)])
async def one(client_id: Annotated[str, Path(pattern=CLIENT_ID_PATTERN)], services: Given) -> ServiceAccount:
    """One account."""
    return await services.accounts.one(client_id)
