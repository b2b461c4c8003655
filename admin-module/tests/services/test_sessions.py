"""Refresh tokens, and how sessions end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.administrators import administrators
from admin_module.adapters.tables.sessions import refresh_tokens
from admin_module.adapters.tables.sessions import sessions as session_rows
from admin_module.domain.administrators import Administrator
from admin_module.domain.secrets import hashed, new_secret
from admin_module.domain.sessions import GRACE, Caller
from admin_module.services.sessions import Sessions
from artstore_kit.contracts.administrators import LoginAnswer
from artstore_kit.contracts.audit import AuditEntry, AuditOutcome
from artstore_kit.contracts.errors import (
    ArtStoreError,
    RefreshTokenReused,
    RefreshTokenUnknown,
    SessionEnded,
    SessionUnknown,
)
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
FIREFOX = Caller("192.0.2.1", "Firefox")
SECOND, HOURS = timedelta(seconds=1), timedelta(hours=11)


@pytest.fixture
async def begun(sessions: Sessions, grace: Administrator) -> LoginAnswer:
    """A session of Grace."""
    return await sessions.begin(grace, FIREFOX)


async def listed(sessions: Sessions) -> list[str]:
    return [session.session_id for session in (await sessions.of("grace")).items]


async def refused(sessions: Sessions, refresh_token: str) -> str:
    with pytest.raises(ArtStoreError) as refusal:
        await sessions.go_on(refresh_token)
    return refusal.value.code


async def test_it_goes_on_with_one_token_after_the_other(sessions: Sessions, begun: LoginAnswer) -> None:
    newest = begun
    for _ in range(3):
        following = await sessions.go_on(newest.refresh_token)
        assert following.refresh_token != newest.refresh_token
        assert following.session_id == begun.session_id
        newest = following
    claims = jwt.decode(newest.access_token, options={"verify_signature": False})
    assert (claims["sub"], claims["sid"]) == ("grace", begun.session_id)


async def test_an_old_token_ends_the_session(
    sessions: Sessions, begun: LoginAnswer, recorded: Recorded, clock: MovableClock
) -> None:
    second = await sessions.go_on(begun.refresh_token)
    clock.move(GRACE)
    with pytest.raises(RefreshTokenReused):
        await sessions.go_on(begun.refresh_token)
    with pytest.raises(SessionEnded):
        await sessions.go_on(second.refresh_token)
    assert await listed(sessions) == []
    entry = (await recorded())[-1]
    assert (entry.action, entry.outcome, entry.code) == ("session.reuse", AuditOutcome.REFUSED, "refresh_token_reused")
    assert (entry.resource, entry.detail) == ("administrator:grace", {"session_id": begun.session_id})


async def test_a_client_that_lost_the_answer_asks_again(
    sessions: Sessions, begun: LoginAnswer, clock: MovableClock
) -> None:
    lost = await sessions.go_on(begun.refresh_token)
    clock.move(GRACE - SECOND)
    again = await sessions.go_on(begun.refresh_token)
    assert (await sessions.go_on(again.refresh_token)).session_id == begun.session_id
    assert await refused(sessions, lost.refresh_token) == "refresh_token_reused"


async def test_the_moment_of_grace_is_not_made_longer_by_using_it(
    sessions: Sessions, begun: LoginAnswer, clock: MovableClock
) -> None:
    await sessions.go_on(begun.refresh_token)
    clock.move(GRACE - SECOND)
    await sessions.go_on(begun.refresh_token)
    clock.move(SECOND)
    assert await refused(sessions, begun.refresh_token) == "refresh_token_reused"


async def test_a_thief_who_is_quick_is_found_out_by_the_owners_next_use(
    sessions: Sessions, begun: LoginAnswer, clock: MovableClock
) -> None:
    owners = await sessions.go_on(begun.refresh_token)
    thiefs = await sessions.go_on(begun.refresh_token)
    clock.move(timedelta(minutes=14))
    assert await refused(sessions, owners.refresh_token) == "refresh_token_reused"
    assert await refused(sessions, thiefs.refresh_token) == "session_ended"


async def test_at_once_one_line_goes_on(sessions: Sessions, begun: LoginAnswer) -> None:
    """However many come with one token in the same moment, of what they get one token is good."""
    answers = await asyncio.gather(*(sessions.go_on(begun.refresh_token) for _ in range(5)))
    async with sessions.database.connect() as connection:
        known = await connection.scalar(sa.select(sa.func.count()).select_from(refresh_tokens))
        current = await connection.scalar(sa.select(session_rows.c.current_sha256))
    assert known == 6
    assert sum(current == hashed(answer.refresh_token) for answer in answers) == 1


async def test_nobody_knows_a_token_that_was_made_up(sessions: Sessions, begun: LoginAnswer) -> None:
    with pytest.raises(RefreshTokenUnknown):
        await sessions.go_on(new_secret())
    assert await listed(sessions) == [begun.session_id]


async def test_age_ends_it_however_much_it_is_used(sessions: Sessions, begun: LoginAnswer, clock: MovableClock) -> None:
    newest, ends_at = begun, clock() + sessions.lifetimes.longest
    while clock() + HOURS < ends_at:
        clock.move(HOURS)
        newest = await sessions.go_on(newest.refresh_token)
    assert newest.refresh_expires_in == (ends_at - clock()).total_seconds()
    clock.move(ends_at - clock())
    assert await refused(sessions, newest.refresh_token) == "session_ended"
    assert await listed(sessions) == []


async def test_a_session_that_rests_too_long_ends(sessions: Sessions, begun: LoginAnswer, clock: MovableClock) -> None:
    clock.move(sessions.lifetimes.idle)
    with pytest.raises(SessionEnded):
        await sessions.go_on(begun.refresh_token)


async def test_leaving_ends_it_and_may_be_said_twice(
    sessions: Sessions, begun: LoginAnswer, recorded: Recorded
) -> None:
    for token in (begun.refresh_token, begun.refresh_token, new_secret()):
        await sessions.leave(token)
    assert await refused(sessions, begun.refresh_token) == "session_ended"
    assert [entry.action for entry in await recorded()].count("administrator.logout") == 1


async def test_sessions_are_shown_with_where_they_are(sessions: Sessions, begun: LoginAnswer) -> None:
    (shown,) = (await sessions.of("grace")).items
    assert (shown.session_id, shown.address, shown.user_agent) == (begun.session_id, "192.0.2.1", "Firefox")
    assert shown.expires_at - shown.created_at == sessions.lifetimes.longest
    assert (await sessions.of("nobody")).items == []


async def test_one_can_be_ended_by_its_id(
    sessions: Sessions, begun: LoginAnswer, ada: Principal, recorded: Recorded
) -> None:
    await sessions.end("grace", begun.session_id, by=ada)
    assert await listed(sessions) == []
    entry = (await recorded())[-1]
    assert (entry.action, entry.actor, entry.resource) == ("session.end", "ada", "administrator:grace")
    with pytest.raises(SessionUnknown):
        await sessions.end("grace", begun.session_id, by=ada)


async def test_nobody_ends_anothers_session_as_his_own(sessions: Sessions, begun: LoginAnswer, ada: Principal) -> None:
    with pytest.raises(SessionUnknown):
        await sessions.end("admin", begun.session_id, by=ada)
    assert await listed(sessions) == [begun.session_id]


async def test_a_new_password_ends_all_sessions_but_the_own(
    sessions: Sessions, begun: LoginAnswer, grace: Administrator
) -> None:
    own = await sessions.begin(grace, FIREFOX)
    async with sessions.database.transaction() as connection:
        assert await sessions.end_all(connection, "grace", but=own.refresh_token) == 1
    assert await listed(sessions) == [own.session_id]
    async with sessions.database.transaction() as connection:
        assert await sessions.end_all(connection, "grace", but=begun.refresh_token) == 1
    assert await listed(sessions) == []


async def test_they_go_with_their_owner(sessions: Sessions, begun: LoginAnswer) -> None:
    async with sessions.database.transaction() as connection:
        await connection.execute(administrators.delete())
    assert await refused(sessions, begun.refresh_token) == "refresh_token_unknown"


async def test_old_ones_are_swept_away(
    sessions: Sessions, begun: LoginAnswer, grace: Administrator, clock: MovableClock
) -> None:
    clock.move(sessions.lifetimes.longest + SECOND)
    fresh = await sessions.begin(grace, FIREFOX)
    async with sessions.database.connect() as connection:
        assert (await connection.scalars(sa.select(session_rows.c.session_id))).all() == [fresh.session_id]


async def test_what_a_client_takes_back_ends_with_its_entry_or_not_at_all(
    sessions: Sessions, begun: LoginAnswer, doomed: Database, recorded: Recorded
) -> None:
    before = len(await recorded())
    with pytest.raises(Exception, match="CommitLost"):
        await replace(sessions, database=doomed).take_back(begun.refresh_token, "inspector")
    assert len(await recorded()) == before
    assert await sessions.that_goes_on_with(begun.refresh_token) is not None
    await sessions.take_back(begun.refresh_token, "inspector")
    assert [(entry.action, entry.actor) for entry in (await recorded())[before:]] == [("session.end", "inspector")]
    assert await sessions.that_goes_on_with(begun.refresh_token) is None
