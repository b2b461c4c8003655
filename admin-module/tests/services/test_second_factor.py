"""Logging in with a code, and without one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.audit import lock_head
from admin_module.adapters.second_factors import find_factor
from admin_module.adapters.tables.second_factors import recovery_codes, second_factors
from admin_module.config import LimitsSettings
from admin_module.domain.credentials import Credentials
from admin_module.domain.limits import Limits
from admin_module.domain.lockout import FAILURES_ALLOWED, LOCKED_FOR
from admin_module.domain.sessions import Caller
from admin_module.domain.totp import code_of, step_at
from admin_module.services.enrolment import Enrolment
from admin_module.services.login import Login
from artstore_kit.contracts.administrators import LoginAnswer
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import (
    AccountLocked,
    ArtStoreError,
    RateLimited,
    TotpCodeWrong,
    TotpEnabled,
    TotpNotEnabled,
)
from artstore_kit.contracts.identity import LOGIN_CLIENT
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock
from artstore_kit.testing.patience import eventually

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
GRACE = Principal("grace", LOGIN_CLIENT, frozenset(), (), frozenset(), 0)
PERIOD = timedelta(seconds=30)


@pytest.fixture
def enrolment(login: Login, clock: MovableClock) -> Enrolment:
    """Of second factors."""
    return Enrolment(login.database, login.audit, login.gate, login.gate.second_factor, clock)


@pytest.fixture
async def codes(enrolment: Enrolment, password: str, clock: MovableClock) -> list[str]:
    """The recovery codes of Grace, who has set up an app in the period before this one."""
    await enrolment.begin(Credentials("grace", password), "", by=GRACE)
    answer = await enrolment.confirm(await code_now(enrolment), "", by=GRACE)
    clock.move(PERIOD)
    return answer.recovery_codes


async def code_now(enrolment: Enrolment, later: int = 0) -> str:
    """What her app shows, or will show."""
    async with enrolment.database.connect() as connection:
        factor = await find_factor(connection, "grace")
    assert factor is not None
    secret = enrolment.second_factor.sealed_keys.unseal("grace", factor.sealed_secret)
    return code_of(secret, step_at(enrolment.clock()) + later)


async def enter(login: Login, password: str, code: str = "") -> LoginAnswer:
    return await login.enter(Credentials("grace", password, code), Caller())


async def refused(login: Login, password: str, code: str = "") -> str:
    with pytest.raises(ArtStoreError) as refusal:
        await enter(login, password, code)
    return refusal.value.code


async def wrong(enrolment: Enrolment) -> str:
    """A code that her app does not show."""
    return f"{(int(await code_now(enrolment)) + 1) % 1_000_000:06}"


async def test_it_counts_when_it_is_confirmed(login: Login, enrolment: Enrolment, password: str) -> None:
    begun = await enrolment.begin(Credentials("grace", password), "", by=GRACE)
    assert begun.secret in begun.otpauth_uri
    assert await enter(login, password)
    with pytest.raises(TotpCodeWrong):
        await enrolment.confirm(await wrong(enrolment), "", by=GRACE)
    assert len((await enrolment.confirm(await code_now(enrolment), "", by=GRACE)).recovery_codes) == 10
    assert await refused(login, password) == "totp_required"


async def test_wrong_codes_at_confirmation_lock_as_at_login(
    login: Login, enrolment: Enrolment, password: str, clock: MovableClock
) -> None:
    begun = Credentials("grace", password)
    await enrolment.begin(begun, "", by=GRACE)
    for _ in range(FAILURES_ALLOWED):
        with pytest.raises(TotpCodeWrong):
            await enrolment.confirm(await wrong(enrolment), "", by=GRACE)
    for code in (await wrong(enrolment), await code_now(enrolment)):
        with pytest.raises(AccountLocked):
            await enrolment.confirm(code, "", by=GRACE)
    assert await refused(login, password) == "account_locked"
    clock.move(LOCKED_FOR)
    assert await enter(login, password)
    assert await enrolment.confirm(await code_now(enrolment), "", by=GRACE)


async def test_wrong_codes_at_confirmation_count_at_the_address(enrolment: Enrolment, password: str) -> None:
    limits = Limits(LimitsSettings(address_failures_limit=2))
    strict = replace(enrolment, gate=replace(enrolment.gate, limits=limits))
    await strict.begin(Credentials("grace", password), "192.0.2.77", by=GRACE)
    for _ in range(2):
        with pytest.raises(TotpCodeWrong):
            await strict.confirm(await wrong(enrolment), "192.0.2.77", by=GRACE)
    with pytest.raises(RateLimited):
        await strict.confirm(await code_now(enrolment), "192.0.2.77", by=GRACE)


async def test_a_code_lets_in_once(login: Login, enrolment: Enrolment, codes: list[str], password: str) -> None:
    code = await code_now(enrolment)
    assert await enter(login, password, code)
    assert await refused(login, password, code) == "totp_code_wrong"
    assert await enter(login, password, await code_now(enrolment, later=1))
    assert await refused(login, password, await code_now(enrolment, later=-1)) == "totp_code_wrong"


async def test_at_once_a_code_lets_in_once(login: Login, enrolment: Enrolment, codes: list[str], password: str) -> None:
    code = await code_now(enrolment)
    answers = await asyncio.gather(*(enter(login, password, code) for _ in range(4)), return_exceptions=True)
    assert sorted(getattr(answer, "code", "let in") for answer in answers) == ["let in", *["totp_code_wrong"] * 3]


async def test_the_code_that_confirmed_is_used(login: Login, enrolment: Enrolment, password: str) -> None:
    await enrolment.begin(Credentials("grace", password), "", by=GRACE)
    code = await code_now(enrolment)
    await enrolment.confirm(code, "", by=GRACE)
    assert await refused(login, password, code) == "totp_code_wrong"


async def test_a_recovery_code_lets_in_once(login: Login, codes: list[str], password: str) -> None:
    assert await enter(login, password, codes[0].upper().replace("-", " "))
    assert await refused(login, password, codes[0]) == "totp_code_wrong"
    assert await enter(login, password, codes[1])


async def test_without_a_code_nothing_is_counted_and_nothing_forgotten(
    login: Login, enrolment: Enrolment, codes: list[str], password: str
) -> None:
    """Whoever has the password cannot guess codes without end by logging in without one in between."""
    for _ in range(FAILURES_ALLOWED):
        assert await refused(login, password, await wrong(enrolment)) == "totp_code_wrong"
        if _ < FAILURES_ALLOWED - 1:
            assert await refused(login, password) == "totp_required"
    assert await refused(login, password, await code_now(enrolment)) == "account_locked"
    assert await refused(login, password, codes[0]) == "account_locked"


async def test_wrong_recovery_codes_lock_too(login: Login, codes: list[str], password: str) -> None:
    for _ in range(FAILURES_ALLOWED):
        assert await refused(login, password, "abcd-efgh-ijkl-mnop") == "totp_code_wrong"
    assert await refused(login, password, codes[0]) == "account_locked"


async def test_a_wrong_password_is_told_without_regard_to_codes(
    login: Login, enrolment: Enrolment, codes: list[str]
) -> None:
    assert await refused(login, "wrong", await code_now(enrolment)) == "bad_credentials"
    assert await refused(login, "wrong") == "bad_credentials"


async def test_a_new_password_needs_a_code_too(
    login: Login, enrolment: Enrolment, codes: list[str], password: str
) -> None:
    with pytest.raises(ArtStoreError, match="code of the authenticator"):
        await login.change_password(Credentials("grace", password), "seven otters juggle lanterns", Caller())
    given = Credentials("grace", password, await code_now(enrolment))
    await login.change_password(given, "seven otters juggle lanterns", Caller())


async def test_new_codes_replace_the_former(
    login: Login, enrolment: Enrolment, codes: list[str], password: str
) -> None:
    fresh = await enrolment.renew_codes(Credentials("grace", password, codes[0]), "", by=GRACE)
    assert not set(fresh.recovery_codes) & set(codes)
    assert await refused(login, password, codes[1]) == "totp_code_wrong"
    assert await enter(login, password, fresh.recovery_codes[0])


async def test_of_codes_that_are_renewed_twice_at_once_one_set_is_good(
    enrolment: Enrolment, codes: list[str], password: str
) -> None:
    given = [Credentials("grace", password, await code_now(enrolment, later)) for later in (0, 1)]
    async with enrolment.database.transaction() as holder, asyncio.TaskGroup() as renewals:
        await lock_head(holder)  # each of them waits for it, all but done
        for number, each in enumerate(given, 1):
            renewals.create_task(enrolment.renew_codes(each, "", by=GRACE))
            await eventually(partial(wait_for_locks, holder, number))
        await holder.rollback()
    async with enrolment.database.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(recovery_codes)) == len(codes)


async def wait_for_locks(connection: AsyncConnection, count: int) -> bool:
    return bool(await connection.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")) == count)


async def test_it_is_set_up_once_and_taken_away_with_a_code(
    login: Login, enrolment: Enrolment, codes: list[str], password: str
) -> None:
    with pytest.raises(TotpEnabled):
        await enrolment.begin(Credentials("grace", password, codes[0]), "", by=GRACE)
    for code in (await code_now(enrolment, later=1), await wrong(enrolment)):
        with pytest.raises(TotpEnabled):  # and no word of which is right
            await enrolment.confirm(code, "", by=GRACE)
    await enrolment.disable(Credentials("grace", password, codes[1]), "", by=GRACE)
    assert await enter(login, password)
    for deed in (enrolment.disable, enrolment.renew_codes):
        with pytest.raises(TotpNotEnabled):
            await deed(Credentials("grace", password), "", by=GRACE)


async def test_everything_is_recorded_and_no_secret_is_kept_in_clear(
    login: Login, enrolment: Enrolment, recorded: Recorded, password: str, clock: MovableClock
) -> None:
    before = len(await recorded())
    begun = await enrolment.begin(Credentials("grace", password), "", by=GRACE)
    first = await enrolment.confirm(await code_now(enrolment), "", by=GRACE)
    clock.move(PERIOD)
    second = await enrolment.renew_codes(Credentials("grace", password, first.recovery_codes[0]), "", by=GRACE)
    async with login.database.connect() as connection:
        kept = repr([(await connection.execute(sa.select(each))).all() for each in (second_factors, recovery_codes)])
    await enrolment.disable(Credentials("grace", password, second.recovery_codes[0]), "", by=GRACE)
    told = (await recorded())[before:]
    verbs = ["begin_totp", "enable_totp", "renew_recovery_codes", "disable_totp"]
    assert [entry.action for entry in told] == [f"administrator.{verb}" for verb in verbs]
    for secret in (begun.secret, password, *first.recovery_codes, *second.recovery_codes):
        assert secret not in kept + repr(told)


async def test_what_was_rolled_back_set_up_nothing(
    login: Login, enrolment: Enrolment, doomed: Database, password: str
) -> None:
    with pytest.raises(Exception, match="CommitLost"):
        await replace(enrolment, database=doomed).begin(Credentials("grace", password), "", by=GRACE)
    with pytest.raises(TotpCodeWrong):
        await enrolment.confirm("123456", "", by=GRACE)
    assert await enter(login, password)
