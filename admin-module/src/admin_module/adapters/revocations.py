"""Revocations in PostgreSQL. Its clock says when each was written, so that all nodes read them in one order."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.revocations import revocations
from admin_module.domain.revocations import TOLD_AGAIN_FOR
from artstore_kit.contracts.revocations import Revocation, RevocationKind, RevocationList
from artstore_kit.principal import Principal


async def write_revocations(connection: AsyncConnection, *new: Revocation) -> None:
    """Add them, or let those of the same names end, and begin, no sooner than these say."""
    # In one order, so that two who revoke the same subjects do not wait for each other.
    rows = [each.model_dump() for each in sorted(new, key=lambda each: (each.kind, each.name))]
    statement = insert(revocations).values({name: sa.bindparam(name) for name in Revocation.model_fields})
    later = {name: sa.func.greatest(revocations.c[name], statement.excluded[name]) for name in ("before", "ends_at")}
    statement = statement.on_conflict_do_update(
        index_elements=[revocations.c.kind, revocations.c.name],
        set_={**later, "revoked_at": sa.func.clock_timestamp()},
    )
    if rows:
        await connection.execute(statement, rows)


async def revocations_after(connection: AsyncConnection, after: datetime | None, now: datetime) -> RevocationList:
    """Those that were written after `after` and have not ended, oldest first."""
    as_of = (await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    columns = [revocations.c[name] for name in Revocation.model_fields]
    statement = sa.select(*columns).where(revocations.c.ends_at > now).order_by(revocations.c.revoked_at)
    if after is not None:
        statement = statement.where(revocations.c.revoked_at > after - TOLD_AGAIN_FOR)
    rows = await connection.execute(statement)
    return RevocationList(as_of=as_of, items=[Revocation.model_validate(row, from_attributes=True) for row in rows])


async def revoked_before(connection: AsyncConnection, subject: str) -> datetime | None:
    """The moment before which the subject's tokens are revoked; None when they are not."""
    statement = sa.select(revocations.c.before).where(
        revocations.c.kind == RevocationKind.SUBJECT, revocations.c.name == subject
    )
    before: datetime | None = (await connection.execute(statement)).scalar_one_or_none()
    return before


async def concerns(connection: AsyncConnection, principal: Principal) -> bool:
    """Whether a revocation is of this token, its session or its key, or of what its subject had when it was issued."""
    issued_at = datetime.fromtimestamp(principal.issued_at, UTC)
    named = sa.tuple_(revocations.c.kind, revocations.c.name).in_(
        [
            (RevocationKind.TOKEN, principal.token_id),
            (RevocationKind.SESSION, principal.session_id),
            (RevocationKind.KEY, principal.key_id),
            (RevocationKind.SUBJECT, principal.subject),
        ]
    )
    since = sa.or_(revocations.c.before.is_(None), revocations.c.before > issued_at)
    return await connection.scalar(sa.select(sa.exists(sa.select(revocations.c.name).where(named, since)))) is True


async def remove_ended(connection: AsyncConnection, now: datetime) -> int:
    """Forget those that concern nothing any more; how many."""
    return (await connection.execute(revocations.delete().where(revocations.c.ends_at <= now))).rowcount
