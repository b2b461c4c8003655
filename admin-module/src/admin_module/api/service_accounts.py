"""`/service-accounts`: programs' identities."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response
from pydantic import Field

from admin_module.api.cursors import cursor_after, name_in
from admin_module.api.never_kept import never_kept
from admin_module.api.repeatable import Asked
from admin_module.domain.revisions import revision_tag
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.accounts import AccountChanges, AccountFilter, RotatedSecret, SecretRotation
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
Name = Annotated[str, Path(pattern=CLIENT_ID_PATTERN)]
Rotation = Annotated[SecretRotation, Body(default_factory=SecretRotation)]
_SHOWN_ONCE = [Depends(never_kept)]


class WantedAccounts(AccountFilter):
    """A page of the accounts that are wanted."""

    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str = ""


@router.post("", status_code=201, dependencies=_SHOWN_ONCE)
async def create(
    new: NewServiceAccount, who: Writer, asked: Asked, services: Given, response: Response
) -> CreatedServiceAccount:
    """Make an account. Its secret is shown in this answer only; you can give no right that you do not hold."""
    account = await services.accounts.create(new, by=who, asked=asked)
    response.headers["Location"] = f"/api/v1/service-accounts/{account.client_id}"
    return account


@router.get("", dependencies=[needs(Scope.ACCOUNTS_READ)])
async def page(services: Given, wanted: Annotated[WantedAccounts, Query()]) -> Page[ServiceAccount]:
    """Accounts by name: all, or those that meet what is asked for. Ask for the next page in the same way."""
    accounts = await services.accounts.page(name_in(wanted.cursor), wanted.limit, wanted)
    return Page(items=accounts, next_cursor=cursor_after([account.client_id for account in accounts], wanted.limit))


@router.get("/{client_id}", dependencies=[needs(Scope.ACCOUNTS_READ)])
async def one(client_id: Name, services: Given, response: Response) -> ServiceAccount:
    """One account; its ETag is the revision."""
    return _answered(await services.accounts.one(client_id), response)


@router.patch("/{client_id}")
async def change(
    client_id: Name,
    changes: AccountChanges,
    *,
    who: Writer,
    services: Given,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> ServiceAccount:
    """Set what is named; `If-Match: "r<revision>"` guards against a change in between."""
    return _answered(await services.account_changing.change(client_id, changes, by=who, if_match=if_match), response)


@router.delete("/{client_id}", status_code=204)
async def remove(client_id: Name, who: Writer, services: Given) -> None:
    """Remove an account and its secrets. The fleet's own stay."""
    await services.account_changing.remove(client_id, by=who)


@router.post("/{client_id}/suspend")
async def suspend(client_id: Name, who: Writer, services: Given, response: Response) -> ServiceAccount:
    """Give the account no more tokens."""
    return _answered(await services.account_changing.suspend(client_id, by=who), response)


@router.post("/{client_id}/activate")
async def activate(client_id: Name, who: Writer, services: Given, response: Response) -> ServiceAccount:
    """Give a suspended account tokens again."""
    return _answered(await services.account_changing.activate(client_id, by=who), response)


@router.post("/{client_id}/secret", status_code=201, dependencies=_SHOWN_ONCE)
async def rotate(client_id: Name, rotation: Rotation, who: Writer, asked: Asked, services: Given) -> RotatedSecret:
    """Make a new secret, which is shown in this answer only; the old one goes on for a while."""
    return await services.account_secrets.rotate(client_id, timedelta(seconds=rotation.overlap_s), who, asked)


def _answered(account: ServiceAccount, response: Response) -> ServiceAccount:
    response.headers["ETag"] = revision_tag(account.revision)
    return account
