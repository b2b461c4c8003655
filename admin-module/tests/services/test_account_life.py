"""Accounts are changed, suspended and removed by those who may, and each change is recorded with its effect."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from admin_module.adapters.accounts import insert_account
from admin_module.config import AccountsSettings
from admin_module.services.account_changes import AccountChanging
from admin_module.services.accounts import Accounts
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.accounts import AccountChanges
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.client_keys import KeySet
from artstore_kit.contracts.errors import (
    AccountIsSystem,
    AccountUnknown,
    ArtStoreError,
    GrantMissing,
    HoldsMore,
    InvalidFields,
    RevisionMismatch,
    ScopeMissing,
)
from artstore_kit.contracts.identity import AccountState, Action, Grant, NewServiceAccount, Scope, ServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.client_keys import client_key
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
READ_HR = Grant(collection="hr/*", actions=frozenset({Action.READ}))
NEW = NewServiceAccount(client_id="scanner", scopes=frozenset({Scope.FILES_READ}), grants=[READ_HR])
CHANGES = AccountChanges(description="reads", scopes=frozenset({Scope.FILES_READ, Scope.FILES_WRITE}), grants=[])


@pytest.fixture
async def scanner(
    database: Database, audit: AuditLog, repeats: Repeats, ada: Principal, clock: MovableClock
) -> ServiceAccount:
    """An account that is there, unrecorded."""
    account = await Accounts(database, audit, repeats, AccountsSettings(), clock).create(NEW, by=ada)
    return ServiceAccount.model_validate(account.model_dump(exclude={"client_secret"}))


@pytest.fixture
def accounts(database: Database, audit: AuditLog, repeats: Repeats, clock: MovableClock) -> Accounts:
    return Accounts(database, audit, repeats, AccountsSettings(), clock)


@pytest.fixture
def changing(database: Database, audit: AuditLog, clock: MovableClock) -> AccountChanging:
    return AccountChanging(database, audit, Revocations(database, clock))


@pytest.fixture
def doomed_changing(doomed: Database, clock: MovableClock) -> AccountChanging:
    """Whose transactions are all rolled back."""
    return AccountChanging(doomed, AuditLog(doomed, clock), Revocations(doomed, clock))


@pytest.fixture
def bob(ada: Principal) -> Principal:
    """May change accounts, and holds what the scanner holds, and no more."""
    return replace(ada, subject="bob", scopes=frozenset({Scope.ACCOUNTS_WRITE, Scope.FILES_READ}), grants=(READ_HR,))


def all_changes(changing: AccountChanging, by: Principal) -> list[tuple[str, Coroutine[Any, Any, object]]]:
    return [
        ("account.change", changing.change("scanner", AccountChanges(description="x"), by=by, if_match=None)),
        ("account.suspend", changing.suspend("scanner", by=by)),
        ("account.remove", changing.remove("scanner", by=by)),
    ]


async def test_a_change_is_kept_and_recorded(
    changing: AccountChanging, accounts: Accounts, scanner: ServiceAccount, recorded: Recorded, ada: Principal
) -> None:
    after = await changing.change("scanner", CHANGES, by=ada, if_match='"r1"')
    scopes = [Scope.FILES_READ, Scope.FILES_WRITE]
    assert after == scanner.model_copy(update={"description": "reads", "scopes": scopes, "grants": [], "revision": 2})
    assert await accounts.one("scanner") == after
    entry = (await recorded())[-1]
    assert (entry.action, entry.resource, entry.actor) == ("account.change", "account:scanner", "ada")
    assert entry.detail == {
        "roles": [],
        "scopes": ["files:read", "files:write"],
        "grants": [],
        "keys": [],
        "token_requests_per_minute": None,
        "revision": 2,
    }


async def test_suspended_active_again_and_removed(
    changing: AccountChanging, accounts: Accounts, scanner: ServiceAccount, recorded: Recorded, ada: Principal
) -> None:
    for act, state in ((changing.suspend, AccountState.SUSPENDED), (changing.activate, AccountState.ACTIVE)):
        for _ in range(2):
            assert (await act("scanner", by=ada)).state is state
        assert (await accounts.one("scanner")).state is state
    await changing.remove("scanner", by=ada)
    with pytest.raises(AccountUnknown):
        await accounts.one("scanner")
    actions = [entry.action for entry in await recorded()]
    assert actions == ["account.create", "account.suspend", "account.activate", "account.remove"]


async def test_what_was_rolled_back_leaves_no_entry(
    doomed_changing: AccountChanging, accounts: Accounts, scanner: ServiceAccount, recorded: Recorded, ada: Principal
) -> None:
    for _, change in all_changes(doomed_changing, ada):
        with pytest.raises(Exception, match="CommitLost"):
            await change
    assert await accounts.one("scanner") == scanner
    assert [entry.action for entry in await recorded()] == ["account.create"]


async def test_whoever_holds_as_much_may_change_it(
    changing: AccountChanging, scanner: ServiceAccount, recorded: Recorded, bob: Principal
) -> None:
    for action, change in all_changes(changing, bob):
        await change
        assert (await recorded())[-1].action == action


@pytest.mark.parametrize("lacking", ["scope", "grant"])
async def test_nobody_changes_an_account_that_holds_more(
    changing: AccountChanging,
    accounts: Accounts,
    scanner: ServiceAccount,
    recorded: Recorded,
    bob: Principal,
    lacking: str,
) -> None:
    weaker = replace(bob, grants=()) if lacking == "grant" else replace(bob, scopes=frozenset({Scope.ACCOUNTS_WRITE}))
    for _, change in all_changes(changing, weaker):
        with pytest.raises(HoldsMore):
            await change
    assert await accounts.one("scanner") == scanner
    assert len(await recorded()) == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (AccountChanges(scopes=frozenset({Scope.FILES_DELETE})), ScopeMissing),
        (AccountChanges(roles=frozenset({"auditor"})), ScopeMissing),
        (AccountChanges(grants=[Grant(collection="*", actions=frozenset({Action.READ}))]), GrantMissing),
        (AccountChanges(roles=frozenset({"nothing"})), InvalidFields),
    ],
)
async def test_nobody_gives_more_than_they_hold(
    changing: AccountChanging,
    accounts: Accounts,
    scanner: ServiceAccount,
    bob: Principal,
    changes: AccountChanges,
    refusal: type[ArtStoreError],
) -> None:
    with pytest.raises(refusal):
        await changing.change("scanner", changes, by=bob, if_match=None)
    assert await accounts.one("scanner") == scanner


async def test_a_change_in_between_is_not_overwritten(
    changing: AccountChanging, scanner: ServiceAccount, ada: Principal
) -> None:
    await changing.change("scanner", CHANGES, by=ada, if_match='"r1"')
    with pytest.raises(RevisionMismatch, match='"r2"'):
        await changing.change("scanner", CHANGES, by=ada, if_match='"r1"')


async def test_the_fleets_own_can_only_be_suspended(
    changing: AccountChanging, database: Database, scanner: ServiceAccount, ada: Principal
) -> None:
    own = scanner.model_copy(update={"client_id": "query-module", "system": True})
    async with database.transaction() as connection:
        await insert_account(connection, own)
    for change in (
        changing.change("query-module", CHANGES, by=ada, if_match=None),
        changing.remove("query-module", by=ada),
    ):
        with pytest.raises(AccountIsSystem):
            await change
    assert (await changing.suspend("query-module", by=ada)).state is AccountState.SUSPENDED


async def test_unknown_accounts(changing: AccountChanging, database: Database, ada: Principal) -> None:
    for _, change in all_changes(changing, ada):
        with pytest.raises(AccountUnknown):
            await change


@pytest.mark.parametrize(
    ("act", "revoked"),
    [
        (lambda changing, by: changing.change("scanner", CHANGES, by=by, if_match=None), True),
        (lambda changing, by: changing.suspend("scanner", by=by), True),
        (lambda changing, by: changing.remove("scanner", by=by), True),
        (lambda changing, by: changing.activate("scanner", by=by), False),
        (lambda changing, by: changing.change("scanner", AccountChanges(description="x"), by=by, if_match=None), False),
    ],
)
async def test_what_revokes_older_tokens(
    changing: AccountChanging,
    database: Database,
    scanner: ServiceAccount,
    ada: Principal,
    clock: MovableClock,
    act: Callable[[AccountChanging, Principal], Awaitable[object]],
    revoked: bool,
) -> None:
    await act(changing, ada)
    told = (await Revocations(database, clock).after(None)).items
    assert [(each.kind, each.name) for each in told] == ([("subject", "scanner")] if revoked else [])


async def test_what_was_rolled_back_revokes_nothing(
    doomed_changing: AccountChanging, database: Database, scanner: ServiceAccount, ada: Principal, clock: MovableClock
) -> None:
    for _, change in all_changes(doomed_changing, ada):
        with pytest.raises(Exception, match="CommitLost"):
            await change
    assert (await Revocations(database, clock).after(None)).items == []


async def test_keys_and_the_limit_are_set_and_taken_away(
    changing: AccountChanging, scanner: ServiceAccount, recorded: Recorded, ada: Principal, database: Database
) -> None:
    keys = KeySet.model_validate({"keys": [client_key("EdDSA", "first").jwk]})
    after = await changing.change(
        "scanner", AccountChanges(jwks=keys, token_requests_per_minute=5), by=ada, if_match=None
    )
    assert (after.jwks, after.token_requests_per_minute) == (keys, 5)
    assert (await recorded())[-1].detail["keys"] == ["first"]
    assert [each.name for each in (await changing.revocations.after(None)).items] == ["scanner"]
    kept = await changing.change("scanner", AccountChanges(description=None, roles=None), by=ada, if_match=None)
    assert (kept.jwks, kept.token_requests_per_minute, kept.roles) == (keys, 5, [])
    gone = await changing.change(
        "scanner", AccountChanges(jwks=None, token_requests_per_minute=None), by=ada, if_match=None
    )
    assert (gone.jwks, gone.token_requests_per_minute) == (None, None)
