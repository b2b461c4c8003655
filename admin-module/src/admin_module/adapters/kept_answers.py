"""Answers to requests under an `Idempotency-Key` in PostgreSQL."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters import name_lock
from admin_module.adapters.tables.kept_answers import kept_answers
from admin_module.domain.repeats import KEPT_FOR

_FORGOTTEN_AT_ONCE = 100


async def kept_answer(connection: AsyncConnection, name: str, now: datetime) -> bytes | None:
    """The sealed answer of this name; whoever else asks for it waits until the transaction ends."""
    await name_lock.take(connection, name, name_lock.ANSWERS)
    found = sa.select(kept_answers.c.sealed_answer).where(
        kept_answers.c.name == name, kept_answers.c.kept_at > now - KEPT_FOR
    )
    return await connection.scalar(found)


async def keep_answer(connection: AsyncConnection, name: str, sealed: bytes, now: datetime) -> None:
    """Keep it; some that were kept long enough are forgotten meanwhile, an older one of this name for certain."""
    over = (
        sa.select(kept_answers.c.name)
        .where(kept_answers.c.kept_at <= now - KEPT_FOR)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    forgotten = sa.or_(kept_answers.c.name.in_(over), kept_answers.c.name == name)
    await connection.execute(kept_answers.delete().where(forgotten))
    await connection.execute(kept_answers.insert().values(name=name, sealed_answer=sealed, kept_at=now))
