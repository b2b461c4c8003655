"""Passwords, failures and the lock."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from admin_module.adapters.login_failures import unlock
from admin_module.adapters.passwords import AT_ONCE
from admin_module.adapters.tables.administrators import administrators, login_failures
from admin_module.config import LimitsSettings
from admin_module.domain.credentials import Credentials
from admin_module.domain.limits import Limits
from admin_module.domain.lockout import FAILURES_ALLOWED, LOCKED_FOR
from admin_module.domain.sessions import Caller
from admin_module.services.clients import Clients
from admin_module.services.login import Login
from artstore_kit.contracts.administrators import LoginAnswer
from artstore_kit.contracts.audit import AuditEntry, AuditOutcome
from artstore_kit.contracts.errors import (
    AccountLocked,
    AccountSuspended,
    ArtStoreError,
    BadCredentials,
    PasswordChangeRequired,
    RateLimited,
    WeakPassword,
)
from artstore_kit.contracts.identity import Scope
from artstore_kit.postgres import Database
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
FIREFOX = Caller("192.0.2.1", "Firefox")
ANOTHER = "seven otters juggle lanterns"


async def enter(login: Login, password: str, name: str = "grace") -> LoginAnswer:
    return await login.enter(Credentials(name, password), FIREFOX)


async def change(login: Login, old: str, new: str, name: str = "grace") -> None:
    await login.change_password(Credentials(name, old), new, FIREFOX)


async def fail(login: Login, times: int, name: str = "grace") -> list[str]:
    """The codes of so many refusals, one after the other."""
    codes = []
    for _ in range(times):
        with pytest.raises(ArtStoreError) as refused:
            await enter(login, "wrong", name)
        codes.append(refused.value.code)
    return codes


async def suspend(login: Login) -> None:
    async with login.database.transaction() as connection:
        await connection.execute(administrators.update().values(suspended=True))


async def test_the_right_password_gives_all_scopes(login: Login, password: str) -> None:
    answer = await enter(login, password)
    assert set(answer.scope.split()) == set(Scope)
    assert (answer.expires_in, answer.refresh_expires_in) == (900, 12 * 3600)


async def test_a_wrong_name_is_refused_like_a_wrong_password(login: Login, password: str) -> None:
    for name, given in (("grace", "wrong"), ("nobody", password)):
        with pytest.raises(BadCredentials) as refused:
            await enter(login, given, name)
        assert refused.value.detail == "The name or the secret is wrong."


@pytest.mark.parametrize("name", ["grace", "nobody"])
async def test_five_failures_lock_for_a_quarter_of_an_hour(login: Login, clock: MovableClock, name: str) -> None:
    """A name that nobody has is locked too: the lock tells nothing."""
    assert await fail(login, FAILURES_ALLOWED, name) == ["bad_credentials"] * FAILURES_ALLOWED
    clock.move(LOCKED_FOR - timedelta(seconds=1))
    assert await fail(login, 1, name) == ["account_locked"]
    clock.move(timedelta(seconds=1))
    assert await fail(login, 1, name) == ["bad_credentials"]


async def test_while_locked_the_right_password_is_refused_like_a_wrong_one(login: Login, password: str) -> None:
    await fail(login, FAILURES_ALLOWED)
    told = []
    for given in (password, "wrong"):
        with pytest.raises(AccountLocked) as refused:
            await enter(login, given)
        told.append((refused.value.detail, refused.value.headers))
    assert told[0] == told[1]


async def test_a_lock_can_be_taken_away(login: Login, password: str) -> None:
    await fail(login, FAILURES_ALLOWED)
    async with login.database.transaction() as connection:
        assert await unlock(connection, "grace")
        assert not await unlock(connection, "grace")
    assert await enter(login, password)


async def test_unknown_names_take_as_long(login: Login) -> None:
    """The work is that of one argon2 hash, for whatever name."""
    seconds: dict[str, list[float]] = {"grace": [], "nobody": []}
    for _ in range(4):
        for name, measured in seconds.items():
            begun = time.perf_counter()
            await fail(login, 1, name)
            measured.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(measured) for measured in seconds.values())
    assert 0.5 < known / unknown < 2


async def test_a_success_in_between_forgets_failures(login: Login, password: str) -> None:
    for _ in range(2):
        await fail(login, FAILURES_ALLOWED - 1)
        assert await enter(login, password)


async def test_guessing_at_once_gives_no_more_guesses(login: Login, password: str) -> None:
    """All guesses come in before any is answered; after five, the right one is refused like the wrong ones."""
    guesses = [*(["wrong"] * 2 * FAILURES_ALLOWED), password]
    answers = await asyncio.gather(*(enter(login, guess) for guess in guesses), return_exceptions=True)
    codes = [getattr(answer, "code", "let in") for answer in answers]
    assert codes.count("bad_credentials") == FAILURES_ALLOWED
    assert codes.count("account_locked") == FAILURES_ALLOWED + 1


async def test_many_may_log_in_at_once(login: Login, password: str) -> None:
    answers = await asyncio.gather(*(enter(login, password) for _ in range(FAILURES_ALLOWED + 1)))
    assert len({answer.access_token for answer in answers}) == FAILURES_ALLOWED + 1


async def test_the_suspended_are_told_so_and_others_are_not(login: Login, password: str) -> None:
    await suspend(login)
    with pytest.raises(AccountSuspended):
        await enter(login, password)
    with pytest.raises(BadCredentials):
        await enter(login, "wrong")


async def test_whoever_is_suspended_between_two_steps_does_not_come_in(login: Login, password: str) -> None:
    grace = await login.gate.pass_through(Credentials("grace", password), "")
    await suspend(login)
    with pytest.raises(BadCredentials):
        await login.sessions.begin(grace, Caller())


async def test_a_temporary_password_is_good_for_changing_it(login: Login, first_password: str, password: str) -> None:
    with pytest.raises(PasswordChangeRequired):
        await enter(login, first_password, "admin")
    await change(login, first_password, ANOTHER, "admin")
    assert await enter(login, ANOTHER, "admin")
    with pytest.raises(BadCredentials):
        await enter(login, first_password, "admin")


async def test_a_change_needs_the_old_password_and_counts_failures(login: Login, password: str) -> None:
    for _ in range(FAILURES_ALLOWED):
        with pytest.raises(BadCredentials):
            await change(login, "wrong", ANOTHER)
    with pytest.raises(AccountLocked):
        await change(login, password, ANOTHER)


@pytest.mark.parametrize("weak", ["short", "password1234", "grace hopper", "correct horse battery staple"])
async def test_a_new_password_must_be_good(login: Login, password: str, weak: str) -> None:
    """The last is the old one."""
    with pytest.raises(WeakPassword):
        await change(login, password, weak)
    assert await enter(login, password)


async def test_one_of_two_changes_at_once_counts(login: Login, password: str) -> None:
    wanted = [f"{ANOTHER} {number}" for number in range(2)]
    done = await asyncio.gather(*(change(login, password, each) for each in wanted), return_exceptions=True)
    assert sorted(getattr(each, "code", "done") for each in done) == ["bad_credentials", "done"]
    assert await enter(login, wanted[done.index(None)])


async def test_one_password_from_two_keyboards(login: Login, password: str) -> None:
    await change(login, password, "cafe\u0301 au lait sous\u00a0la pluie")
    assert await enter(login, "caf\u00e9 au lait sous la pluie")


async def test_logins_are_recorded_and_failures_too(login: Login, recorded: Recorded, password: str) -> None:
    furnished = len(await recorded())
    await fail(login, 1)
    await fail(login, 1, "nobody")
    await enter(login, password)
    known, unknown, success = (await recorded())[furnished:]
    assert {entry.action for entry in (known, unknown, success)} == {"administrator.login"}
    assert (known.resource, known.outcome, known.code) == (
        "administrator:grace",
        AuditOutcome.REFUSED,
        "bad_credentials",
    )
    assert (unknown.resource, unknown.actor) == ("administrator", "")
    assert (success.resource, success.actor, success.outcome) == ("administrator:grace", "grace", AuditOutcome.DONE)


async def test_a_change_is_recorded(login: Login, recorded: Recorded, password: str) -> None:
    await enter(login, password)
    await change(login, password, ANOTHER)
    entry = (await recorded())[-1]
    assert (entry.action, entry.actor, entry.detail) == (
        "administrator.change_password",
        "grace",
        {"sessions_ended": 1},
    )


async def test_no_secret_is_kept_in_clear(login: Login, recorded: Recorded, password: str) -> None:
    answer = await enter(login, password)
    await change(login, password, ANOTHER)
    await fail(login, 1, "my-password-in-the-wrong-field")
    kept = repr(await recorded())
    async with login.database.connect() as connection:
        for table in (administrators, login_failures):
            kept += repr((await connection.execute(sa.select(table))).all())
    for secret in (password, ANOTHER, answer.refresh_token, answer.access_token, "wrong-field"):
        assert secret not in kept


async def test_a_login_that_was_rolled_back_leaves_no_entry(
    login: Login, doomed: Database, recorded: Recorded, password: str
) -> None:
    before = await recorded()
    with pytest.raises(Exception, match="CommitLost"):
        await replace(login, sessions=replace(login.sessions, database=doomed)).enter(
            Credentials("grace", password), Caller()
        )
    assert await recorded() == before


async def test_a_change_that_was_rolled_back_changes_nothing(
    login: Login, doomed: Database, recorded: Recorded, password: str
) -> None:
    before = await recorded()
    with pytest.raises(Exception, match="CommitLost"):
        await change(replace(login, database=doomed), password, ANOTHER)
    assert await recorded() == before
    assert await enter(login, password)


async def test_guesses_that_come_at_once_are_limited_before_each_costs_its_work(login: Login) -> None:
    """Otherwise those who guess, many at once, keep everybody else waiting for their turn."""
    strict = replace(login, gate=replace(login.gate, limits=Limits(LimitsSettings(address_failures_limit=3))))
    guesses = (enter(strict, "wrong", f"nobody-{number}") for number in range(30))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    tried = [each for each in answers if isinstance(each, BadCredentials)]
    assert 3 <= len(tried) <= 3 + 2 * AT_ONCE
    assert len([each for each in answers if isinstance(each, RateLimited)]) == 30 - len(tried)


async def test_an_address_that_fails_too_often_waits(
    login: Login, password: str, make_node: Callable[[], Clients]
) -> None:
    """Under many names, each of which is not locked yet; from elsewhere the door is open."""
    strict = Limits(LimitsSettings(address_failures_limit=3))
    guarded = replace(login, gate=replace(login.gate, tallies=make_node().tallies, limits=strict))
    assert [await _told(guarded, f"name-{number}") for number in range(3)] == ["bad_credentials"] * 3
    with pytest.raises(RateLimited) as refused:
        await enter(guarded, password)
    assert int(refused.value.headers["Retry-After"]) > 0
    assert await guarded.enter(Credentials("grace", password), Caller("198.51.100.7"))


async def _told(login: Login, name: str) -> str:
    (code,) = await fail(login, 1, name)
    return code
