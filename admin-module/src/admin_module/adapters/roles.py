"""Roles that administrators have made, in PostgreSQL, and who holds a role."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.accounts import service_accounts
from admin_module.adapters.tables.administrators import administrators
from admin_module.adapters.tables.roles import roles
from admin_module.domain.rights import Rights
from admin_module.domain.roles import Holding
from admin_module.domain.scopes import as_claim
from artstore_kit.contracts.identity import Grant
from artstore_kit.contracts.roles import Role

_GRANTS = TypeAdapter(tuple[Grant, ...])


async def insert_role(connection: AsyncConnection, role: Role, now: datetime) -> bool:
    """Add a role; False, and nothing done, when its name is taken."""
    statement = insert(roles).values(name=role.name, created_at=now, **_columns(role)).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


async def update_role(connection: AsyncConnection, role: Role) -> None:
    """Write all of a role but its name."""
    await connection.execute(roles.update().where(roles.c.name == role.name).values(_columns(role)))


async def delete_role(connection: AsyncConnection, name: str) -> None:
    """Remove a role."""
    await connection.execute(roles.delete().where(roles.c.name == name))


async def roles_named(connection: AsyncConnection, names: Collection[str]) -> list[Role]:
    """Those of the roles that there are."""
    return await _found(connection, roles.select().where(roles.c.name.in_(names)))


async def roles_kept(connection: AsyncConnection, names: Collection[str]) -> list[Role]:
    """`roles_named`, and until the transaction ends nobody removes or changes them."""
    return await _found(connection, roles.select().where(roles.c.name.in_(names)).with_for_update(read=True))


async def role_to_change(connection: AsyncConnection, name: str) -> Role | None:
    """The role of this name; until the transaction ends nobody else changes it, or gives it to anybody."""
    found = await _found(connection, roles.select().where(roles.c.name == name).with_for_update())
    return found[0] if found else None


async def roles_after(connection: AsyncConnection, name: str, limit: int) -> list[Role]:
    """At most `limit` roles, ordered by name, from the one after `name` on."""
    return await _found(connection, roles.select().where(roles.c.name > name).order_by(roles.c.name).limit(limit))


async def holdings_with(connection: AsyncConnection, name: str) -> list[Holding]:
    """What the accounts and administrators with this role hold; the same holding is told once."""
    accounts = sa.select(service_accounts.c.roles, service_accounts.c.scopes, service_accounts.c.grants)
    people = sa.select(administrators.c.roles, sa.literal([], ARRAY(sa.Text)), sa.literal([], JSONB))
    both = sa.union(
        accounts.where(service_accounts.c.roles.contains([name])),
        people.where(administrators.c.roles.contains([name])),
    )
    rows = await connection.execute(both)
    return [
        Holding(tuple(roles), Rights(frozenset(scopes), _GRANTS.validate_python(grants)))
        for roles, scopes, grants in rows
    ]


async def holders_of(connection: AsyncConnection, name: str) -> list[str]:
    """The names of the accounts and administrators with this role."""
    accounts = sa.select(service_accounts.c.client_id).where(service_accounts.c.roles.contains([name]))
    people = sa.select(administrators.c.username).where(administrators.c.roles.contains([name]))
    return list(await connection.scalars(sa.union_all(accounts, people)))


async def _found(connection: AsyncConnection, statement: sa.Select[tuple[object, ...]]) -> list[Role]:
    return [_role(row) for row in await connection.execute(statement)]


def _role(row: sa.Row[tuple[object, ...]]) -> Role:
    return Role.model_validate({**row._mapping, "builtin": False})


def _columns(role: Role) -> dict[str, object]:
    return {
        "description": role.description,
        "scopes": [scope.value for scope in role.scopes],
        "grants": as_claim(role.grants),
        "revision": role.revision,
    }
