"""Administrators in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.login_failures import find_locks
from admin_module.adapters.tables.administrators import administrators
from admin_module.adapters.tables.second_factors import second_factors
from admin_module.domain.administrators import Administrator, Wanted
from admin_module.domain.roles import SUPER_ADMIN
from artstore_kit.contracts.administrators import AdministratorView


async def any_administrator(connection: AsyncConnection) -> bool:
    """Whether there is an administrator at all."""
    return await connection.scalar(sa.select(sa.exists(sa.select(administrators.c.username)))) is True


async def find_administrator(
    connection: AsyncConnection, username: str, *, unchanged: bool = False
) -> Administrator | None:
    """The administrator of this name, whom nobody else changes until the transaction ends if that is asked for."""
    columns = (administrators.c[name] for name in Administrator.__dataclass_fields__)
    statement = sa.select(*columns).where(administrators.c.username == username)
    statement = statement.with_for_update(key_share=True) if unchanged else statement
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else Administrator(**{**row._mapping, "roles": tuple(row.roles)})


async def insert_administrator(connection: AsyncConnection, administrator: Administrator, now: datetime) -> bool:
    """Add an administrator; False, and nothing done, when the name is taken."""
    columns = _columns(administrator) | {"created_at": now}
    statement = insert(administrators).values(columns)
    return (await connection.execute(statement.on_conflict_do_nothing())).rowcount == 1


async def update_administrator(connection: AsyncConnection, administrator: Administrator) -> None:
    """Write all that is known of an administrator."""
    await connection.execute(_of(administrator.username).values(_columns(administrator)))


async def delete_administrator(connection: AsyncConnection, username: str) -> None:
    """Remove an administrator with all sessions."""
    await connection.execute(administrators.delete().where(administrators.c.username == username))


async def super_admins(connection: AsyncConnection) -> Sequence[str]:
    """Who may do everything and is not suspended; none of them is changed by others until the transaction ends.

    They are locked in one order, before anybody else is, so that two who change each other do not wait for each other.
    """
    mighty = sa.and_(administrators.c.roles.contains([SUPER_ADMIN]), sa.not_(administrators.c.suspended))
    statement = sa.select(administrators.c.username).where(mighty).order_by(administrators.c.username)
    return (await connection.scalars(statement.with_for_update())).all()


async def set_password(
    connection: AsyncConnection, administrator: Administrator, password_hash: str, *, must_change: bool
) -> bool:
    """Replace the password that is known; False, and nothing done, when it was replaced meanwhile."""
    same = administrators.c.password_hash == administrator.password_hash
    changed = _of(administrator.username).where(same)
    changed = changed.values(password_hash=password_hash, must_change_password=must_change)
    return (await connection.execute(changed)).rowcount == 1


async def note_login(connection: AsyncConnection, username: str, now: datetime) -> None:
    """Say when the administrator logged in last."""
    await connection.execute(_of(username).values(last_login_at=now))


async def view_of(connection: AsyncConnection, username: str, now: datetime) -> AdministratorView | None:
    """An administrator as others see them."""
    views = await _views(connection, administrators.select().where(administrators.c.username == username), now)
    return views[0] if views else None


async def views_after(
    connection: AsyncConnection, wanted: Wanted, username: str, limit: int, now: datetime
) -> list[AdministratorView]:
    """At most `limit` of those that are wanted, ordered by name, from the one after `username` on."""
    table = administrators.c
    statement = administrators.select().where(table.username > username).order_by(table.username).limit(limit)
    if wanted.role is not None:
        statement = statement.where(table.roles.contains([wanted.role]))
    if wanted.suspended is not None:
        statement = statement.where(table.suspended == wanted.suspended)
    if wanted.text:
        fields = (table.username, table.display_name, table.email)
        statement = statement.where(sa.or_(*(field.icontains(wanted.text, autoescape=True) for field in fields)))
    return await _views(connection, statement, now)


async def _views(
    connection: AsyncConnection, statement: sa.Select[tuple[object, ...]], now: datetime
) -> list[AdministratorView]:
    rows = (await connection.execute(statement)).all()
    locks = await find_locks(connection, [row.username for row in rows], now)
    with_factor = await _with_second_factor(connection, [row.username for row in rows])
    shown = (
        {
            **row._mapping,
            "locked_until": locks.get(row.username),
            "totp_enabled": row.username in with_factor,
        }
        for row in rows
    )
    return [AdministratorView.model_validate(each) for each in shown]


async def _with_second_factor(connection: AsyncConnection, usernames: Sequence[str]) -> set[str]:
    confirmed = sa.and_(second_factors.c.username.in_(usernames), second_factors.c.confirmed_at.is_not(None))
    return set(await connection.scalars(sa.select(second_factors.c.username).where(confirmed)))


def _of(username: str) -> sa.Update:
    return administrators.update().where(administrators.c.username == username)


def _columns(administrator: Administrator) -> dict[str, object]:
    return asdict(administrator) | {"roles": list(administrator.roles)}
