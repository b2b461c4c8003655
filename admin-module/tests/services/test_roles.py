"""Changes of roles are recorded in the transaction that makes them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from admin_module.adapters.accounts import insert_account
from admin_module.adapters.administrators import insert_administrator
from admin_module.domain.accounts import account_of
from admin_module.domain.administrators import Administrator
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from admin_module.services.roles import Roles
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import RoleExists, RoleUnknown
from artstore_kit.contracts.identity import Action, Grant, NewServiceAccount, Scope, ServiceAccount
from artstore_kit.contracts.roles import NewRole, RoleChanges
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
READ_HR = Grant(collection="hr/*", actions=frozenset({Action.READ}))
NEW = NewRole(name="clerk", scopes=frozenset({Scope.FILES_READ}), grants=[READ_HR])
NARROWER = RoleChanges(grants=[])


@pytest.fixture
def roles(database: Database, audit: AuditLog, repeats: Repeats, clock: MovableClock) -> Roles:
    return Roles(database, audit, repeats, Revocations(database, clock), clock)


@pytest.fixture
def doomed_roles(doomed: Database, doomed_repeats: Repeats, clock: MovableClock) -> Roles:
    """Whose transactions are all rolled back."""
    return Roles(doomed, doomed_repeats.audit, doomed_repeats, Revocations(doomed, clock), clock)


async def test_each_change_is_recorded(roles: Roles, recorded: Recorded, ada: Principal) -> None:
    await roles.create(NEW, by=ada)
    await roles.change("clerk", NARROWER, by=ada, if_match=None)
    await roles.remove("clerk", by=ada)
    granted = [{"collection": "hr/*", "actions": ["read"]}]
    assert [(entry.actor, entry.action, entry.resource, entry.detail) for entry in await recorded()] == [
        ("ada", "role.create", "role:clerk", {"scopes": ["files:read"], "grants": granted, "revision": 1}),
        ("ada", "role.change", "role:clerk", {"scopes": ["files:read"], "grants": [], "revision": 2}),
        ("ada", "role.remove", "role:clerk", {}),
    ]


async def test_what_was_refused_is_not_recorded(roles: Roles, recorded: Recorded, ada: Principal) -> None:
    await roles.create(NEW, by=ada)
    with pytest.raises(RoleExists):
        await roles.create(NEW, by=ada)
    assert len(await recorded()) == 1


async def test_what_was_rolled_back_leaves_no_entry(
    roles: Roles, doomed_roles: Roles, recorded: Recorded, ada: Principal
) -> None:
    with pytest.raises(Exception, match="CommitLost"):
        await doomed_roles.create(NEW, by=ada)
    with pytest.raises(RoleUnknown):
        await roles.one("clerk")
    before = await roles.create(NEW, by=ada)
    for change in (doomed_roles.change("clerk", NARROWER, by=ada, if_match=None), doomed_roles.remove("clerk", by=ada)):
        with pytest.raises(Exception, match="CommitLost"):
            await change
    assert await roles.one("clerk") == before
    assert [entry.action for entry in await recorded()] == ["role.create"]


async def test_a_role_that_gives_something_else_revokes_its_holders_tokens(
    roles: Roles, database: Database, ada: Principal, clock: MovableClock
) -> None:
    revocations = Revocations(database, clock)
    await roles.create(NEW, by=ada)
    async with database.transaction() as connection:
        for name in ("scanner", "printer"):
            await insert_account(connection, account(name, "clerk"))
        await insert_account(connection, account("stranger"))
        await insert_administrator(connection, Administrator("bob", "hash", ("clerk",)), clock())
    await roles.change("clerk", RoleChanges(description="another"), by=ada, if_match=None)
    assert (await revocations.after(None)).items == []
    await roles.change("clerk", NARROWER, by=ada, if_match=None)
    assert {each.name for each in (await revocations.after(None)).items} == {"scanner", "printer", "bob"}


def account(client_id: str, *roles: str) -> ServiceAccount:
    new = NewServiceAccount(client_id=client_id, roles=frozenset(roles))
    return account_of(new, system=False, created_at=datetime(2026, 5, 1, tzinfo=UTC), secret_expires_at=None)
