"""Service accounts in PostgreSQL."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.account_secrets import ends_before, last_expiry
from admin_module.adapters.tables.accounts import service_accounts
from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.accounts import AccountFilter
from artstore_kit.contracts.identity import ServiceAccount

_columns = service_accounts.c


async def insert_account(connection: AsyncConnection, account: ServiceAccount) -> bool:
    """Add `account`, without a secret; False, and nothing done, when its name is taken."""
    statement = insert(service_accounts).values(_values(account)).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def update_account(connection: AsyncConnection, account: ServiceAccount) -> None:
    """Write all of an account but its name and the time of its creation."""
    values = _values(account)
    del values["client_id"], values["created_at"]
    await connection.execute(service_accounts.update().where(_columns.client_id == account.client_id).values(values))


async def delete_account(connection: AsyncConnection, client_id: str) -> None:
    """Remove an account and its secrets."""
    await connection.execute(service_accounts.delete().where(_columns.client_id == client_id))


async def find_account(connection: AsyncConnection, client_id: str) -> ServiceAccount | None:
    """The account of this name."""
    row = (await connection.execute(_accounts().where(_columns.client_id == client_id))).one_or_none()
    return None if row is None else _account(row)


async def account_to_change(connection: AsyncConnection, client_id: str) -> ServiceAccount | None:
    """The account of this name; until the transaction ends nobody else changes it."""
    statement = _accounts().where(_columns.client_id == client_id).with_for_update(of=service_accounts)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _account(row)


async def accounts_after(
    connection: AsyncConnection, client_id: str, limit: int, wanted: AccountFilter
) -> list[ServiceAccount]:
    """At most `limit` of the accounts that are wanted, ordered by name, from the one after `client_id` on."""
    conditions = (*_conditions(wanted), _columns.client_id > client_id)
    return [
        _account(row)
        for row in await connection.execute(_accounts().where(*conditions).order_by(_columns.client_id).limit(limit))
    ]


def _conditions(wanted: AccountFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.prefix:
        # Names are ASCII, compared by code point: all that begin so lie together in the index.
        after = wanted.prefix[:-1] + chr(ord(wanted.prefix[-1]) + 1)
        conditions += [_columns.client_id >= wanted.prefix, _columns.client_id < after]
    if wanted.state is not None:
        conditions.append(_columns.state == wanted.state.value)
    if wanted.role is not None:
        conditions.append(_columns.roles.contains([wanted.role]))
    if wanted.system is not None:
        conditions.append(_columns.system == wanted.system)
    if wanted.secret_expires_before is not None:
        conditions.append(ends_before(_columns.client_id, wanted.secret_expires_before))
    return conditions


def _accounts() -> sa.Select[tuple[object, ...]]:
    return sa.select(*service_accounts.c, last_expiry(_columns.client_id).label("secret_expires_at"))


def _account(row: sa.Row[tuple[object, ...]]) -> ServiceAccount:
    return ServiceAccount.model_validate(row, from_attributes=True)


def _values(account: ServiceAccount) -> dict[str, object]:
    return {
        "client_id": account.client_id,
        "description": account.description,
        "roles": account.roles,
        "scopes": [scope.value for scope in account.scopes],
        "grants": as_claim(account.grants),
        "system": account.system,
        "state": account.state.value,
        "revision": account.revision,
        "created_at": account.created_at,
        "jwks": account.jwks.model_dump(mode="json") if account.jwks else None,
        "token_requests_per_minute": account.token_requests_per_minute,
    }
