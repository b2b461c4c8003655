"""Passwords, failures and the lock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from admin_module.adapters.passwords import Passwords
from admin_module.domain.lockout import FAILURES_ALLOWED, LOCKED_FOR
from admin_module.services.audit import AuditLog
from admin_module.services.first_start import FirstStart
from admin_module.services.keyring import Keyring
from admin_module.services.login import Login
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AccountLocked, ArtStoreError, BadCredentials
from artstore_kit.contracts.identity import Scope
from artstore_kit.postgres import Database
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]


@pytest.fixture
async def login(
    database: Database, audit: AuditLog, keyring: Keyring, first_start: Callable[[], FirstStart], clock: MovableClock
) -> Login:
    """Lets the first administrator in."""
    await first_start().run()
    await keyring.open()
    return Login(database, audit, keyring, Passwords(), Revocations(database, clock), clock)


async def fail(login: Login, times: int) -> list[str]:
    """The codes of so many refusals, one after the other."""
    codes = []
    for _ in range(times):
        with pytest.raises(ArtStoreError) as refused:
            await login.enter("admin", "wrong")
        codes.append(refused.value.code)
    return codes


async def test_the_right_password_gives_all_scopes(login: Login, password: str) -> None:
    answer = await login.enter("admin", password)
    assert set(answer.scope.split()) == set(Scope)
    assert answer.expires_in == 900


async def test_a_wrong_name_is_refused_like_a_wrong_password(login: Login, password: str) -> None:
    for name, given in (("admin", "wrong"), ("nobody", password)):
        with pytest.raises(BadCredentials) as refused:
            await login.enter(name, given)
        assert refused.value.detail == "The name or the secret is wrong."


async def test_five_failures_lock_for_a_quarter_of_an_hour(login: Login, password: str, clock: MovableClock) -> None:
    assert await fail(login, FAILURES_ALLOWED) == ["bad_credentials"] * FAILURES_ALLOWED
    clock.move(LOCKED_FOR - timedelta(seconds=1))
    with pytest.raises(AccountLocked):
        await login.enter("admin", password)
    clock.move(timedelta(seconds=1))
    assert await login.enter("admin", password)


async def test_a_success_in_between_forgets_failures(login: Login, password: str) -> None:
    for _ in range(2):
        await fail(login, FAILURES_ALLOWED - 1)
        assert await login.enter("admin", password)


async def test_guessing_at_once_gives_no_more_guesses(login: Login, password: str) -> None:
    """All guesses come in before any is answered; after five, the right one is refused like the wrong ones."""
    guesses = [*(["wrong"] * 2 * FAILURES_ALLOWED), password]
    answers = await asyncio.gather(*(login.enter("admin", guess) for guess in guesses), return_exceptions=True)
    codes = [getattr(answer, "code", "let in") for answer in answers]
    assert codes.count("bad_credentials") == FAILURES_ALLOWED
    assert codes.count("account_locked") == FAILURES_ALLOWED + 1


async def test_many_may_log_in_at_once(login: Login, password: str) -> None:
    answers = await asyncio.gather(*(login.enter("admin", password) for _ in range(FAILURES_ALLOWED + 1)))
    assert len({answer.access_token for answer in answers}) == FAILURES_ALLOWED + 1


async def test_a_login_is_recorded_and_a_failure_is_not(login: Login, recorded: Recorded, password: str) -> None:
    furnished = len(await recorded())
    await fail(login, 1)
    assert len(await recorded()) == furnished
    await login.enter("admin", password)
    entry = (await recorded())[-1]
    assert (entry.action, entry.resource, entry.actor) == ("administrator.login", "administrator:admin", "admin")


async def test_a_login_that_was_rolled_back_leaves_no_entry(
    login: Login, doomed: Database, recorded: Recorded, password: str
) -> None:
    before = await recorded()
    with pytest.raises(Exception, match="CommitLost"):
        await replace(login, database=doomed).enter("admin", password)
    assert await recorded() == before
