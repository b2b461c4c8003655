"""How often somebody failed to log in under a name, in PostgreSQL; names that nobody has are counted alike."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.administrators import login_failures
from admin_module.domain.lockout import FAILURES_ALLOWED, FORGOTTEN_AFTER, LOCKED_FOR, key_of


async def find_lock(connection: AsyncConnection, username: str) -> datetime | None:
    """Until when the name is locked, or was."""
    statement = sa.select(login_failures.c.locked_until).where(login_failures.c.name_sha256 == key_of(username))
    return await connection.scalar(statement)


async def find_locks(connection: AsyncConnection, usernames: Sequence[str], now: datetime) -> dict[str, datetime]:
    """Until when each of these names is locked; those that are not are left out."""
    names = {key_of(username): username for username in usernames}
    statement = sa.select(login_failures.c.name_sha256, login_failures.c.locked_until)
    locked = statement.where(login_failures.c.name_sha256.in_(names), login_failures.c.locked_until > now)
    return {names[key]: until for key, until in await connection.execute(locked)}


async def count_failure(connection: AsyncConnection, username: str, now: datetime) -> bool:
    """Count a failure; the last one that is allowed locks the name, and counting starts anew.

    One statement, so that failures at several nodes in the same moment are all counted. False, and nothing done,
    when the name is locked.
    """
    table = login_failures.c
    together = sa.case((table.last_at > now - FORGOTTEN_AFTER, table.failures), else_=0)
    last_straw = together + 1 >= FAILURES_ALLOWED
    first = insert(login_failures).values(name_sha256=key_of(username), failures=1, last_at=now)
    statement = first.on_conflict_do_update(
        index_elements=[table.name_sha256],
        set_={
            "failures": sa.case((last_straw, 0), else_=together + 1),
            "locked_until": sa.case((last_straw, now + LOCKED_FOR)),
            "last_at": now,
        },
        where=_free(now),
    )
    return (await connection.execute(statement)).rowcount == 1


async def forget_failures(connection: AsyncConnection, username: str, now: datetime) -> bool:
    """Forget the failures of a name; False, and nothing done, when it is locked."""
    await connection.execute(_of(username).where(_free(now)))
    return await find_lock(connection, username) is None


async def unlock(connection: AsyncConnection, username: str) -> bool:
    """Forget the failures and the lock; whether there was anything to forget."""
    return (await connection.execute(_of(username))).rowcount == 1


async def sweep_failures(connection: AsyncConnection, now: datetime) -> None:
    """Remove what no longer counts."""
    old = login_failures.c.last_at < now - FORGOTTEN_AFTER
    await connection.execute(login_failures.delete().where(old, _free(now)))


def _of(username: str) -> sa.Delete:
    return login_failures.delete().where(login_failures.c.name_sha256 == key_of(username))


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(login_failures.c.locked_until.is_(None), login_failures.c.locked_until <= now)
