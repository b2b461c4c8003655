"""How a service account comes to be and changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.accounts import CAN_BE_TAKEN_AWAY, AccountChanges
from artstore_kit.contracts.identity import AccountState, NewServiceAccount, ServiceAccount


def account_of(
    new: NewServiceAccount, *, system: bool, created_at: datetime, secret_expires_at: datetime | None
) -> ServiceAccount:
    """The account that `new` asks for; a `system` account is one of the fleet's own."""
    return ServiceAccount(
        client_id=new.client_id,
        description=new.description,
        roles=sorted(new.roles),
        scopes=sorted(new.scopes),
        grants=new.grants,
        system=system,
        created_at=created_at,
        secret_expires_at=secret_expires_at,
        jwks=new.jwks,
        token_requests_per_minute=new.token_requests_per_minute,
    )


def changed(account: ServiceAccount, changes: AccountChanges) -> ServiceAccount:
    """The next revision of the account."""
    named = {name: getattr(changes, name) for name in changes.model_fields_set}
    kept = {name for name in named if named[name] is None and name not in CAN_BE_TAKEN_AWAY}
    lists = {name: sorted(named[name]) for name in named.keys() & {"roles", "scopes"} - kept}
    return _next(account, {name: value for name, value in (named | lists).items() if name not in kept})


def in_state(account: ServiceAccount, state: AccountState) -> ServiceAccount:
    """The next revision of the account, suspended or active."""
    return _next(account, {"state": state})


def _next(account: ServiceAccount, named: Mapping[str, object]) -> ServiceAccount:
    return account.model_copy(update={**named, "revision": account.revision + 1})


def told(account: ServiceAccount) -> Mapping[str, Any]:
    """What the audit log keeps of an account: its rights, its public keys by name, its limit."""
    rights = {"roles": account.roles, "scopes": [*account.scopes], "grants": as_claim(account.grants)}
    keys = [key.kid for key in account.jwks.keys] if account.jwks else []
    limit = account.token_requests_per_minute
    return {**rights, "keys": keys, "token_requests_per_minute": limit, "revision": account.revision}
