"""Second factors in PostgreSQL."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.second_factors import recovery_codes, second_factors


@dataclass(frozen=True)
class Factor:
    """A secret that is shared with an app, sealed; it counts when its owner has confirmed it with a code."""

    sealed_secret: bytes
    confirmed_at: datetime | None


async def find_factor(connection: AsyncConnection, username: str, *, unchanged: bool = False) -> Factor | None:
    """A person's second factor, confirmed or not; `unchanged`: until the transaction ends."""
    columns = (second_factors.c.sealed_secret, second_factors.c.confirmed_at)
    found = sa.select(*columns).where(second_factors.c.username == username)
    row = (await connection.execute(found.with_for_update() if unchanged else found)).one_or_none()
    return None if row is None else Factor(*row)


async def write_factor(connection: AsyncConnection, username: str, sealed_secret: bytes) -> bool:
    """Keep a secret that is not confirmed yet; False, and nothing done, when one is confirmed already."""
    fresh = {"sealed_secret": sealed_secret, "last_step": 0}
    statement = insert(second_factors).values(username=username, **fresh)
    statement = statement.on_conflict_do_update(
        index_elements=[second_factors.c.username], set_=fresh, where=second_factors.c.confirmed_at.is_(None)
    )
    return (await connection.execute(statement)).rowcount == 1


async def confirm_factor(connection: AsyncConnection, username: str, step: int, now: datetime) -> bool:
    """From now on the factor counts; False, and nothing done, when it did already."""
    waiting = sa.and_(second_factors.c.username == username, second_factors.c.confirmed_at.is_(None))
    statement = second_factors.update().where(waiting).values(confirmed_at=now, last_step=step)
    return (await connection.execute(statement)).rowcount == 1


async def use_step(connection: AsyncConnection, username: str, step: int) -> bool:
    """Use the code of a period, once; False when it, or a later one, was used."""
    fresh = sa.and_(second_factors.c.username == username, second_factors.c.last_step < step)
    return (await connection.execute(second_factors.update().where(fresh).values(last_step=step))).rowcount == 1


async def use_recovery_code(connection: AsyncConnection, username: str, sha256: bytes) -> bool:
    """Use a recovery code, once."""
    this = sa.and_(recovery_codes.c.username == username, recovery_codes.c.code_sha256 == sha256)
    return (await connection.execute(recovery_codes.delete().where(this))).rowcount == 1


async def replace_recovery_codes(connection: AsyncConnection, username: str, hashes: Iterable[bytes]) -> None:
    """These, and none of those before."""
    await connection.execute(recovery_codes.delete().where(recovery_codes.c.username == username))
    rows = [{"username": username, "code_sha256": sha256} for sha256 in hashes]
    await connection.execute(recovery_codes.insert(), rows)


async def remove_factor(connection: AsyncConnection, username: str) -> bool:
    """Forget the factor and its recovery codes; whether there was one."""
    return (
        await connection.execute(second_factors.delete().where(second_factors.c.username == username))
    ).rowcount == 1
