"""Clients in PostgreSQL: who they are, in one statement, and which of their assertions were used."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.accounts import account_secrets, service_accounts, used_assertions
from admin_module.adapters.tables.revocations import revocations
from admin_module.adapters.tables.roles import roles
from admin_module.domain.clients import Client
from admin_module.domain.proofs import Assertion
from admin_module.domain.revocations import issued_at
from admin_module.domain.rights import Rights
from artstore_kit.contracts.client_keys import KeySet
from artstore_kit.contracts.identity import AccountState, Grant
from artstore_kit.contracts.revocations import RevocationKind

USED_KEPT_FOR = timedelta(hours=1)
"""A use is remembered for so long after the assertion has expired: no node's clock is wrong by more."""

_FORGOTTEN_AT_ONCE = 100
_GRANTS = TypeAdapter(tuple[Grant, ...])


def _clients(now: sa.BindParameter[datetime]) -> sa.Select[tuple[Any, ...]]:
    usable = sa.or_(account_secrets.c.expires_at.is_(None), account_secrets.c.expires_at > now)
    secrets = sa.select(sa.func.array_agg(account_secrets.c.secret_sha256)).where(
        account_secrets.c.client_id == service_accounts.c.client_id, usable
    )
    given = sa.func.jsonb_build_array(sa.func.to_jsonb(roles.c.scopes), roles.c.grants)
    of_roles = sa.select(sa.func.jsonb_agg(aggregate_order_by(given, roles.c.name))).where(
        roles.c.name == sa.any_(service_accounts.c.roles)
    )
    revoked = sa.select(revocations.c.before).where(
        revocations.c.kind == RevocationKind.SUBJECT, revocations.c.name == service_accounts.c.client_id
    )
    names = ("client_id", "roles", "scopes", "grants", "jwks", "token_requests_per_minute")
    return sa.select(
        *(service_accounts.c[name] for name in names),
        secrets.scalar_subquery().label("secrets"),
        of_roles.scalar_subquery().label("of_roles"),
        revoked.scalar_subquery().label("revoked_before"),
    ).where(
        service_accounts.c.client_id == sa.any_(sa.bindparam("client_ids", type_=ARRAY(sa.Text))),
        service_accounts.c.state == AccountState.ACTIVE.value,
    )


_CLIENTS = _clients(sa.bindparam("now", type_=sa.DateTime(timezone=True)))


async def find_clients(connection: AsyncConnection, client_ids: Collection[str], now: datetime) -> dict[str, Client]:
    """The clients of these names that are not suspended, with the hashes of their secrets that have not expired.

    One statement sees one state of the database: no right of its answer is older than a revocation in it.
    """
    rows = await connection.execute(_CLIENTS, {"client_ids": list(client_ids), "now": now})
    return {row.client_id: _read(row, now) for row in rows}


async def take_assertion(connection: AsyncConnection, assertion: Assertion) -> bool:
    """Note that the assertion was used; False, and nothing done, when it had been.

    Two nodes that are shown one assertion in the same moment meet at the primary key: the second waits for the
    first's commit. Some uses that are long over are forgotten meanwhile.
    """
    await connection.execute(_FORGET)
    used = insert(used_assertions).values(
        client_id=assertion.client_id, jti_sha256=assertion.jti_sha256, expires_at=assertion.expires_at
    )
    return (await connection.execute(used.on_conflict_do_nothing())).rowcount == 1


def _long_over() -> sa.Delete:
    key = sa.tuple_(used_assertions.c.client_id, used_assertions.c.jti_sha256)
    over = (
        sa.select(used_assertions.c.client_id, used_assertions.c.jti_sha256)
        .where(used_assertions.c.expires_at < sa.func.now() - USED_KEPT_FOR)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return used_assertions.delete().where(key.in_(over))


_FORGET = _long_over()


def _read(row: sa.Row[tuple[Any, ...]], now: datetime) -> Client:
    return Client(
        client_id=row.client_id,
        tokens_from=issued_at(now, row.revoked_before),
        roles=row.roles,
        own=_rights(row.scopes, row.grants),
        of_custom_roles=[_rights(scopes, grants) for scopes, grants in row.of_roles or ()],
        secrets=row.secrets or (),
        keys=KeySet.model_validate(row.jwks).keys if row.jwks else (),
        token_requests_per_minute=row.token_requests_per_minute,
    )


def _rights(scopes: Sequence[str], grants: Sequence[Mapping[str, Any]]) -> Rights:
    return Rights(frozenset(scopes), _GRANTS.validate_python(grants))
