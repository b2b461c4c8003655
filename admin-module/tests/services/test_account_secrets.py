"""Secrets are replaced with an overlap, and warned of once before they end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from admin_module import metrics
from admin_module.adapters.account_secrets import valid_secrets
from admin_module.config import AccountsSettings
from admin_module.domain.secrets import hashed
from admin_module.services.account_secrets import AccountSecrets
from admin_module.services.accounts import Accounts
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AccountUnknown, HoldsMore, SecretsOverlap
from artstore_kit.contracts.identity import CreatedServiceAccount, NewServiceAccount, Scope
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
type Made = Callable[[str], Awaitable[CreatedServiceAccount]]
type Opening = Callable[[], Awaitable[set[bytes]]]
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SETTINGS = AccountsSettings(secret_lifetime_days=90, secret_warning_days=7)


@pytest.fixture
def made(database: Database, audit: AuditLog, repeats: Repeats, ada: Principal, clock: MovableClock) -> Made:
    """Makes an account."""
    accounts = Accounts(database, audit, repeats, SETTINGS, clock)
    return lambda name: accounts.create(NewServiceAccount(client_id=name, scopes=frozenset({Scope.FILES_READ})), by=ada)


@pytest.fixture
def secrets(database: Database, audit: AuditLog, repeats: Repeats, clock: MovableClock) -> AccountSecrets:
    return AccountSecrets(database, audit, repeats, Revocations(database, clock), SETTINGS, clock)


@pytest.fixture
def doomed_secrets(doomed: Database, doomed_repeats: Repeats, clock: MovableClock) -> AccountSecrets:
    """Whose transactions are all rolled back."""
    return AccountSecrets(doomed, doomed_repeats.audit, doomed_repeats, Revocations(doomed, clock), SETTINGS, clock)


@pytest.fixture
def opening(database: Database, clock: MovableClock) -> Opening:
    """The hashes that open the scanner now."""

    async def read() -> set[bytes]:
        async with database.connect() as connection:
            return {each.sha256 for each in await valid_secrets(connection, "scanner", clock())}

    return read


async def warned(recorded: Recorded) -> list[str]:
    return [entry.resource for entry in await recorded() if entry.action == "account.secret_expiring"]


async def test_the_old_secret_goes_on_for_the_overlap(
    made: Made, secrets: AccountSecrets, opening: Opening, ada: Principal, clock: MovableClock
) -> None:
    old = (await made("scanner")).client_secret
    new = await secrets.rotate("scanner", DAY, by=ada)
    assert (new.secret_expires_at, new.old_secret_expires_at) == (clock() + 90 * DAY, clock() + DAY)
    assert await opening() == {hashed(old), hashed(new.client_secret)}
    clock.move(DAY - SECOND)
    assert hashed(old) in await opening()
    assert (await secrets.revocations.after(None)).items == []
    clock.move(SECOND)
    assert await opening() == {hashed(new.client_secret)}


async def test_without_overlap_the_old_ones_end_at_once(
    made: Made, secrets: AccountSecrets, opening: Opening, ada: Principal
) -> None:
    await made("scanner")
    await secrets.rotate("scanner", DAY, by=ada)
    new = await secrets.rotate("scanner", timedelta(), by=ada)
    assert new.old_secret_expires_at is None
    assert [each.name for each in (await secrets.revocations.after(None)).items] == ["scanner"]
    assert await opening() == {hashed(new.client_secret)}


async def test_an_overlap_makes_no_secret_last_longer(
    made: Made, secrets: AccountSecrets, ada: Principal, clock: MovableClock
) -> None:
    ends_at = (await made("scanner")).secret_expires_at
    clock.move(90 * DAY - SECOND)
    assert (await secrets.rotate("scanner", DAY, by=ada)).old_secret_expires_at == ends_at
    clock.move(91 * DAY)
    assert (await secrets.rotate("scanner", DAY, by=ada)).old_secret_expires_at is None


async def test_there_are_two_at_most(
    made: Made, secrets: AccountSecrets, opening: Opening, ada: Principal, clock: MovableClock
) -> None:
    await made("scanner")
    await secrets.rotate("scanner", DAY, by=ada)
    before = await opening()
    with pytest.raises(SecretsOverlap):
        await secrets.rotate("scanner", DAY, by=ada)
    assert await opening() == before
    clock.move(DAY)
    assert await secrets.rotate("scanner", DAY, by=ada)


async def test_a_rotation_is_recorded_without_the_secret(
    made: Made, secrets: AccountSecrets, recorded: Recorded, ada: Principal
) -> None:
    await made("scanner")
    new = await secrets.rotate("scanner", DAY, by=ada)
    entry = (await recorded())[-1]
    assert (entry.action, entry.resource, entry.actor) == ("account.rotate_secret", "account:scanner", "ada")
    assert entry.detail.keys() == {"secret_expires_at", "old_secret_expires_at"}
    assert new.client_secret not in repr(entry) + repr(await recorded())


async def test_a_rotation_that_was_rolled_back_leaves_no_entry(
    made: Made, doomed_secrets: AccountSecrets, recorded: Recorded, opening: Opening, ada: Principal
) -> None:
    old = (await made("scanner")).client_secret
    for overlap in (DAY, timedelta()):
        with pytest.raises(Exception, match="CommitLost"):
            await doomed_secrets.rotate("scanner", overlap, by=ada)
    assert await opening() == {hashed(old)}
    assert len(await recorded()) == 1


async def test_nobody_rotates_the_secret_of_whoever_holds_more(
    made: Made, secrets: AccountSecrets, opening: Opening, ada: Principal
) -> None:
    old = (await made("scanner")).client_secret
    with pytest.raises(HoldsMore):
        await secrets.rotate("scanner", DAY, by=replace(ada, scopes=frozenset({Scope.ACCOUNTS_WRITE})))
    with pytest.raises(AccountUnknown):
        await secrets.rotate("nobody", DAY, by=ada)
    assert await opening() == {hashed(old)}


async def test_a_warning_comes_seven_days_before_and_once(
    made: Made, secrets: AccountSecrets, recorded: Recorded, clock: MovableClock
) -> None:
    ends_at = (await made("scanner")).secret_expires_at
    assert ends_at is not None
    counted = metrics.EXPIRING._value.get()
    clock.move(83 * DAY - SECOND)
    await secrets.warn()
    assert await warned(recorded) == []
    clock.move(2 * SECOND)
    for _ in range(3):
        await secrets.warn()
    assert await warned(recorded) == ["account:scanner"]
    entry = (await recorded())[-1]
    assert (entry.actor, entry.detail) == ("admin-module", {"expires_at": ends_at.isoformat()})
    assert metrics.EXPIRING._value.get() == counted + 1


async def test_several_nodes_warn_once_of_each(
    made: Made, secrets: AccountSecrets, recorded: Recorded, database: Database, clock: MovableClock
) -> None:
    for number in range(120):
        await made(f"scanner-{number:03}")
    clock.move(84 * DAY)
    nodes = [replace(secrets, audit=AuditLog(database, clock)) for _ in range(4)]
    await asyncio.gather(*(node.warn() for node in nodes))
    assert sorted(await warned(recorded)) == [f"account:scanner-{number:03}" for number in range(120)]


async def test_of_a_secret_that_was_replaced_nobody_is_warned(
    made: Made, secrets: AccountSecrets, recorded: Recorded, ada: Principal, clock: MovableClock
) -> None:
    await made("scanner")
    clock.move(80 * DAY)
    await secrets.rotate("scanner", 5 * DAY, by=ada)
    clock.move(4 * DAY)
    await secrets.warn()
    assert await warned(recorded) == []
    clock.move(80 * DAY)
    await secrets.warn()
    assert await warned(recorded) == ["account:scanner"]


async def test_a_warning_that_was_rolled_back_comes_later(
    made: Made, secrets: AccountSecrets, doomed_secrets: AccountSecrets, recorded: Recorded, clock: MovableClock
) -> None:
    await made("scanner")
    clock.move(84 * DAY)
    counted = metrics.EXPIRING._value.get()
    with pytest.raises(Exception, match="CommitLost"):
        await doomed_secrets.warn()
    assert (await warned(recorded), metrics.EXPIRING._value.get()) == ([], counted)
    await secrets.warn()
    assert await warned(recorded) == ["account:scanner"]
