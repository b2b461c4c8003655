"""How a service account comes to be."""

from datetime import datetime

from admin_module.domain.scopes import require_fits_token
from artstore_kit.contracts.identity import NewServiceAccount, ServiceAccount


def account_of(
    new: NewServiceAccount, *, system: bool, created_at: datetime, secret_expires_at: datetime | None
) -> ServiceAccount:
    """The account that `new` asks for; a `system` account is one of the fleet's own."""
    require_fits_token(new.grants)
    return ServiceAccount(
        client_id=new.client_id,
        description=new.description,
        scopes=sorted(new.scopes),
        grants=new.grants,
        system=system,
        created_at=created_at,
        secret_expires_at=secret_expires_at,
    )
