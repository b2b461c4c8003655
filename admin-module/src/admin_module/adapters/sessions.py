"""Sessions and the hashes of their refresh tokens, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.tables.sessions import refresh_tokens, sessions
from admin_module.domain.sessions import Session


async def insert_session(connection: AsyncConnection, session: Session) -> None:
    """Add a session with its first refresh token."""
    await connection.execute(sessions.insert().values(asdict(session)))
    await _remember(connection, session.session_id, session.current_sha256)


async def session_of(connection: AsyncConnection, token_sha256: bytes) -> Session | None:
    """The session that ever had this refresh token; nobody else changes it until the transaction ends."""
    theirs = sa.select(refresh_tokens.c.session_id).where(refresh_tokens.c.token_sha256 == token_sha256)
    found = _sessions().where(sessions.c.session_id == theirs.scalar_subquery()).with_for_update()
    row = (await connection.execute(found)).one_or_none()
    return None if row is None else Session(**row._mapping)


async def sessions_of(connection: AsyncConnection, username: str) -> list[Session]:
    """A person's sessions that nobody has ended, newest first."""
    theirs = sa.and_(sessions.c.username == username, sessions.c.ended_at.is_(None))
    newest_first = _sessions().where(theirs).order_by(sessions.c.created_at.desc(), sessions.c.session_id)
    return [Session(**row._mapping) for row in await connection.execute(newest_first)]


async def rotate(connection: AsyncConnection, session: Session, token_sha256: bytes, now: datetime) -> None:
    """From now on `token_sha256` is the session's newest refresh token."""
    changed = {"current_sha256": token_sha256, "previous_sha256": session.current_sha256, "last_used_at": now}
    await _change(connection, session, changed)
    await _remember(connection, session.session_id, token_sha256)


async def replace_newest(connection: AsyncConnection, session: Session, token_sha256: bytes) -> None:
    """`token_sha256` takes the place of the newest refresh token, which its owner has never received."""
    await _change(connection, session, {"current_sha256": token_sha256})
    await _remember(connection, session.session_id, token_sha256)


async def end_sessions(
    connection: AsyncConnection, username: str, now: datetime, *, only: str = "", but: str = ""
) -> Sequence[str]:
    """End a person's sessions: all of them, `only` one, or all `but` one; which have ended by that."""
    which = [sessions.c.username == username, sessions.c.ended_at.is_(None), sessions.c.session_id != but]
    if only:
        which.append(sessions.c.session_id == only)
    statement = sessions.update().where(*which).values(ended_at=now).returning(sessions.c.session_id)
    return (await connection.scalars(statement)).all()


async def sweep_sessions(connection: AsyncConnection, now: datetime) -> None:
    """Remove those that could not be used any more in any case, and what is known of their tokens."""
    await connection.execute(sessions.delete().where(sessions.c.expires_at < now))


def _sessions() -> sa.Select[tuple[object, ...]]:
    return sa.select(*(sessions.c[name] for name in Session.__dataclass_fields__))


async def _change(connection: AsyncConnection, session: Session, changed: dict[str, object]) -> None:
    await connection.execute(sessions.update().where(sessions.c.session_id == session.session_id).values(changed))


async def _remember(connection: AsyncConnection, session_id: str, token_sha256: bytes) -> None:
    await connection.execute(refresh_tokens.insert().values(token_sha256=token_sha256, session_id=session_id))
