"""Administrators in PostgreSQL."""

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.administrators import administrators
from admin_module.domain.administrators import Administrator


async def any_administrator(connection: AsyncConnection) -> bool:
    """Whether there is an administrator at all."""
    return await connection.scalar(sa.select(sa.exists(sa.select(administrators.c.username)))) is True


async def find_administrator(
    connection: AsyncConnection, username: str, *, unchanged: bool = False
) -> Administrator | None:
    """The administrator of this name, who stays `unchanged` until the transaction ends if that is asked for."""
    columns = (administrators.c[name] for name in Administrator.__dataclass_fields__)
    statement = sa.select(*columns).where(administrators.c.username == username)
    statement = statement.with_for_update(key_share=True) if unchanged else statement
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _administrator(row)


async def insert_administrator(connection: AsyncConnection, administrator: Administrator, now: datetime) -> bool:
    """Add an administrator; False, and nothing done, when the name is taken."""
    columns = asdict(administrator) | {"roles": list(administrator.roles), "created_at": now}
    statement = insert(administrators).values(columns)
    return (await connection.execute(statement.on_conflict_do_nothing())).rowcount == 1


async def set_password(
    connection: AsyncConnection, administrator: Administrator, password_hash: str, *, must_change: bool
) -> bool:
    """Replace the password that is known; False, and nothing done, when it was replaced meanwhile."""
    same = sa.and_(
        administrators.c.username == administrator.username,
        administrators.c.password_hash == administrator.password_hash,
    )
    changed = administrators.update().where(same).values(password_hash=password_hash, must_change_password=must_change)
    return (await connection.execute(changed)).rowcount == 1


async def note_login(connection: AsyncConnection, username: str, now: datetime) -> None:
    """Say when the administrator logged in last."""
    await connection.execute(
        administrators.update().where(administrators.c.username == username).values(last_login_at=now)
    )


def _administrator(row: sa.Row[tuple[object, ...]]) -> Administrator:
    return Administrator(**{**row._mapping, "roles": tuple(row.roles)})
