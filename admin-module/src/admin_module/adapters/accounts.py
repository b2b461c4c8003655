"""Service accounts and the hashes of their secrets, in PostgreSQL."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.accounts import account_secrets, service_accounts
from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.identity import ServiceAccount

_FOREVER: sa.ColumnElement[datetime] = sa.literal_column("'infinity'::timestamptz")


async def insert_account(connection: AsyncConnection, account: ServiceAccount) -> bool:
    """Add `account`, without a secret; False, and nothing done, when its name is taken."""
    statement = insert(service_accounts).values(_columns(account)).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def update_account(connection: AsyncConnection, account: ServiceAccount) -> None:
    """Write the description and rights of an account that exists."""
    columns = _columns(account)
    del columns["created_at"]
    await connection.execute(
        service_accounts.update().where(service_accounts.c.client_id == account.client_id).values(columns)
    )


async def add_secret(
    connection: AsyncConnection, client_id: str, sha256: bytes, now: datetime, expires_at: datetime | None
) -> None:
    """Let a secret open the account until `expires_at`; nothing happens when it does so already."""
    statement = insert(account_secrets).values(
        client_id=client_id, secret_sha256=sha256, created_at=now, expires_at=expires_at
    )
    await connection.execute(statement.on_conflict_do_nothing())


async def remove_other_secrets(connection: AsyncConnection, client_id: str, sha256: bytes) -> int:
    """Remove every secret of the account but this one; how many that were."""
    others = sa.and_(account_secrets.c.client_id == client_id, account_secrets.c.secret_sha256 != sha256)
    return (await connection.execute(account_secrets.delete().where(others))).rowcount


async def find_account(connection: AsyncConnection, client_id: str) -> ServiceAccount | None:
    """The account of this name."""
    row = (await connection.execute(_accounts().where(service_accounts.c.client_id == client_id))).one_or_none()
    return None if row is None else _account(row)


async def accounts_after(connection: AsyncConnection, client_id: str, limit: int) -> list[ServiceAccount]:
    """At most `limit` accounts, ordered by name, from the one after `client_id` on."""
    statement = (
        _accounts().where(service_accounts.c.client_id > client_id).order_by(service_accounts.c.client_id).limit(limit)
    )
    return [_account(row) for row in await connection.execute(statement)]


def _accounts() -> sa.Select[tuple[object, ...]]:
    newest = sa.func.max(sa.func.coalesce(account_secrets.c.expires_at, _FOREVER))
    expires_at = (
        sa.select(sa.func.nullif(newest, _FOREVER))
        .where(account_secrets.c.client_id == service_accounts.c.client_id)
        .scalar_subquery()
    )
    return sa.select(*service_accounts.c, expires_at.label("secret_expires_at"))


def _account(row: sa.Row[tuple[object, ...]]) -> ServiceAccount:
    return ServiceAccount.model_validate(row, from_attributes=True)


def _columns(account: ServiceAccount) -> dict[str, object]:
    return {
        "client_id": account.client_id,
        "description": account.description,
        "roles": account.roles,
        "scopes": [scope.value for scope in account.scopes],
        "grants": as_claim(account.grants),
        "system": account.system,
        "created_at": account.created_at,
        "jwks": account.jwks.model_dump(mode="json") if account.jwks else None,
        "token_requests_per_minute": account.token_requests_per_minute,
    }
