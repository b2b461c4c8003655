"""Administrators in PostgreSQL: their password hashes, and how often a wrong password was given."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.administrators import administrators
from admin_module.domain.lockout import FAILURES_ALLOWED, LOCKED_FOR, Administrator


async def any_administrator(connection: AsyncConnection) -> bool:
    """Whether there is an administrator at all."""
    return await connection.scalar(sa.select(sa.exists(sa.select(administrators.c.username)))) is True


async def find_administrator(connection: AsyncConnection, username: str) -> Administrator | None:
    """The administrator of this name."""
    columns = (administrators.c[name] for name in Administrator.__dataclass_fields__)
    row = (await connection.execute(sa.select(*columns).where(administrators.c.username == username))).one_or_none()
    return None if row is None else Administrator(*row)


async def insert_administrator(connection: AsyncConnection, administrator: Administrator, now: datetime) -> None:
    """Add an administrator; nothing happens when the name is taken."""
    statement = insert(administrators).values(
        username=administrator.username,
        password_hash=administrator.password_hash,
        roles=list(administrator.roles),
        created_at=now,
    )
    await connection.execute(statement.on_conflict_do_nothing())


async def count_failure(connection: AsyncConnection, username: str, now: datetime) -> bool:
    """Count a wrong password; the last one that is allowed locks the account, and counting starts anew.

    One statement, so that failures at several nodes in the same moment are all counted. False, and nothing done,
    when the account is locked.
    """
    last_straw = administrators.c.failed_attempts + 1 >= FAILURES_ALLOWED
    statement = _unlocked(username, now).values(
        failed_attempts=sa.case((last_straw, 0), else_=administrators.c.failed_attempts + 1),
        locked_until=sa.case((last_straw, now + LOCKED_FOR)),
    )
    return (await connection.execute(statement)).rowcount == 1


async def count_success(connection: AsyncConnection, username: str, now: datetime) -> bool:
    """Forget the failures; False, and nothing done, when the account is locked."""
    statement = _unlocked(username, now).values(failed_attempts=0, locked_until=None)
    return (await connection.execute(statement)).rowcount == 1


def _unlocked(username: str, now: datetime) -> sa.Update:
    free = sa.or_(administrators.c.locked_until.is_(None), administrators.c.locked_until <= now)
    return administrators.update().where(administrators.c.username == username, free)
