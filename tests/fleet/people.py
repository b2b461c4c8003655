"""Who deals with the fleet: accounts with their rights, the administrator, and their tokens."""

from collections.abc import Mapping, Sequence

import httpx

from artstore_kit.contracts.identity import Action, Scope
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet

SECRETS_GIVEN: list[str] = []
"""Every token and secret that the fleet has handed to us: no log may hold one of them."""


async def token_of(fleet: Fleet, client_id: str, secret: str, scope: str = "") -> str:
    """A token by the client credentials grant, of all scopes that the account holds or of those in `scope`."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": scope}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{fleet.url('admin')}/api/v1/auth/token", data=form)
    return _kept(answer.raise_for_status().json()["access_token"])


async def administrator(wire: Wire) -> str:
    """The first administrator's token; at the first call they choose a password of their own, as they must."""
    chosen = wire.fleet.secrets.value("administrator-chosen")
    answer = await _login(wire, "admin", chosen)
    if answer.status_code == 401:
        return await first_login(wire, "admin", wire.fleet.secrets.value("administrator-password"), chosen)
    return _logged_in(answer)


async def second_administrator(wire: Wire) -> str:
    """The token of another one, `second`, who may everything too. At the first call the first one makes them."""
    chosen = wire.fleet.secrets.value("second-administrator")
    answer = await _login(wire, "second", chosen)
    if answer.status_code == 401:
        new = {"username": "second", "roles": ["super_admin"]}
        made = await wire.ask("POST", "admin", "/administrators", token=await administrator(wire), json=new)
        return await first_login(wire, "second", made.raise_for_status().json()["temporary_password"], chosen)
    return _logged_in(answer)


async def first_login(wire: Wire, username: str, temporary: str, chosen: str) -> str:
    """The token of somebody whose temporary password lets them do nothing but choose one of their own."""
    SECRETS_GIVEN.extend([temporary, chosen])
    refusal(await _login(wire, username, temporary), 403, "password_change_required")
    change = {"username": username, "old_password": temporary, "new_password": chosen}
    (await wire.ask("POST", "admin", "/auth/password", token="", json=change)).raise_for_status()
    return _logged_in(await _login(wire, username, chosen))


def _logged_in(answer: httpx.Response) -> str:
    _kept(answer.raise_for_status().json()["refresh_token"])
    return _kept(answer.json()["access_token"])


async def _login(wire: Wire, username: str, password: str) -> httpx.Response:
    credentials = {"username": username, "password": password}
    return await wire.ask("POST", "admin", "/auth/login", token="", json=credentials)


async def newcomer(
    wire: Wire, name: str, scopes: Sequence[Scope], collection: str = "*", actions: Sequence[Action] = tuple(Action)
) -> str:
    """The token of a new account with these rights."""
    secret = await new_account(wire, name, scopes, [{"collection": collection, "actions": list(actions)}])
    return await token_of(wire.fleet, name, secret)


async def new_account(
    wire: Wire,
    name: str,
    scopes: Sequence[Scope],
    grants: Sequence[Mapping[str, object]] = (),
    roles: Sequence[str] = (),
) -> str:
    """The secret of a new account with these rights."""
    account = {"client_id": name, "roles": roles, "scopes": scopes, "grants": grants}
    answer = await wire.ask("POST", "admin", "/service-accounts", token=await administrator(wire), json=account)
    return _kept(answer.raise_for_status().json()["client_secret"])


def _kept(secret: str) -> str:
    SECRETS_GIVEN.append(secret)
    return secret
