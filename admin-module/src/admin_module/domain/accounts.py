"""How a service account comes to be."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.identity import NewServiceAccount, ServiceAccount


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


def told(account: ServiceAccount) -> Mapping[str, Any]:
    """What the audit log keeps of an account's rights."""
    return {"roles": account.roles, "scopes": [*account.scopes], "grants": as_claim(account.grants)}
