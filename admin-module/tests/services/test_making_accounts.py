"""Service accounts are made and recorded in one transaction."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from admin_module.adapters import name_lock
from admin_module.adapters.administrators import insert_administrator
from admin_module.config import AccountsSettings
from admin_module.domain.administrators import Administrator
from admin_module.domain.scopes import as_claim, require_fits_token
from admin_module.services.accounts import Accounts
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AccountExists, AccountUnknown, InvalidFields
from artstore_kit.contracts.identity import Action, Grant, NewServiceAccount, Scope
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
READ_HR = Grant(collection="hr/*", actions=frozenset({Action.READ}))
NEW = NewServiceAccount(client_id="scanner", scopes=frozenset({Scope.FILES_READ}), grants=[READ_HR])


@pytest.fixture
def accounts(database: Database, audit: AuditLog, repeats: Repeats, clock: MovableClock) -> Accounts:
    return Accounts(database, audit, repeats, AccountsSettings(), clock)


async def test_a_new_account_is_recorded_without_its_secret(
    accounts: Accounts, recorded: Recorded, ada: Principal
) -> None:
    made = await accounts.create(NEW, by=ada)
    (entry,) = await recorded()
    assert (entry.action, entry.resource, entry.actor) == ("account.create", "account:scanner", "ada")
    assert entry.detail == {
        "roles": [],
        "scopes": ["files:read"],
        "grants": [{"collection": "hr/*", "actions": ["read"]}],
        "keys": [],
        "token_requests_per_minute": None,
        "revision": 1,
    }
    assert made.client_secret not in repr(entry)


async def test_grants_too_many_for_an_entry_are_told_by_their_number(
    accounts: Accounts, recorded: Recorded, ada: Principal
) -> None:
    """Up to the last that fits a token."""
    grants = [Grant(collection=f"{number:0>76}", actions=frozenset(Action)) for number in range(30)]
    require_fits_token(grants)
    with pytest.raises(InvalidFields):
        require_fits_token([*grants, grants[0], grants[0]])
    made = await accounts.create(NEW.model_copy(update={"grants": grants}), by=ada)
    assert made.grants == grants
    (entry,) = await recorded()
    digest = hashlib.sha256(json.dumps(as_claim(grants), separators=(",", ":"), sort_keys=True).encode()).hexdigest()
    assert entry.detail["grants"] == {"length": 30, "sha256": digest}
    assert entry.detail["scopes"] == ["files:read"]


async def test_a_refused_account_is_not_recorded(accounts: Accounts, recorded: Recorded, ada: Principal) -> None:
    await accounts.create(NEW, by=ada)
    with pytest.raises(AccountExists):
        await accounts.create(NEW, by=ada)
    assert len(await recorded()) == 1


async def test_an_account_that_was_rolled_back_leaves_no_entry(
    accounts: Accounts,
    doomed: Database,
    doomed_repeats: Repeats,
    recorded: Recorded,
    ada: Principal,
    clock: MovableClock,
) -> None:
    with pytest.raises(Exception, match="CommitLost"):
        await Accounts(doomed, doomed_repeats.audit, doomed_repeats, AccountsSettings(), clock).create(NEW, by=ada)
    assert await recorded() == []
    with pytest.raises(AccountUnknown):
        await accounts.one("scanner")


async def test_a_name_is_given_to_a_program_or_to_a_person_never_to_both_at_once(
    accounts: Accounts, database: Database, ada: Principal
) -> None:
    async with database.transaction() as connection:
        await name_lock.take(connection, "scanner")
        made = asyncio.create_task(accounts.create(NEW, by=ada))
        await asyncio.sleep(0.3)
        assert not made.done()
        await insert_administrator(connection, Administrator("scanner", "hash", ()), datetime.now(UTC))
    with pytest.raises(AccountExists):
        await made


async def test_other_names_do_not_wait(accounts: Accounts, database: Database, ada: Principal) -> None:
    async with database.transaction() as connection:
        await name_lock.take(connection, "somebody-else")
        assert await asyncio.wait_for(accounts.create(NEW, by=ada), 30)
