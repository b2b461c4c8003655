"""What must hold whatever administrators do to each other."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_module.adapters import name_lock
from admin_module.adapters.accounts import insert_account
from admin_module.adapters.passwords import Passwords
from admin_module.domain import passwords
from admin_module.domain.accounts import account_of
from admin_module.domain.administrators import Administrator, require_one_remains
from admin_module.domain.credentials import Credentials
from admin_module.domain.rights import held_by
from admin_module.domain.roles import BUILT_IN, rights_of
from admin_module.domain.sessions import Caller
from admin_module.services.administrators import Administrators
from admin_module.services.login import Login
from admin_module.services.repeats import Repeats
from admin_module.services.sessions import Sessions
from artstore_kit.contracts.administrators import AdministratorChanges, NewAdministrator
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AccountExists, AdministratorUnknown, ArtStoreError, LastSuperAdmin
from artstore_kit.contracts.identity import LOGIN_CLIENT, NewServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]
SUPER = ("super_admin",)


@pytest.fixture
def administrators(sessions: Sessions, repeats: Repeats, grace: Administrator) -> Administrators:
    """In a database with `admin` and `grace`, both super_admin."""
    database, audit = sessions.database, sessions.audit
    return Administrators(database, audit, repeats, Passwords(), sessions, sessions.revocations, sessions.clock)


def as_person(username: str, *roles: str) -> Principal:
    """Whoever holds these roles."""
    rights = [rights_of(BUILT_IN[role]) for role in roles]
    scopes = frozenset(scope for each in rights for scope in each.scopes)
    grants = tuple(grant for each in rights for grant in each.grants)
    return Principal(username, LOGIN_CLIENT, scopes, grants, frozenset(roles), 0)


async def test_others_are_served_while_a_password_is_judged(
    administrators: Administrators, login: Login, ada: Principal, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That takes many milliseconds of reckoning."""
    loop, served = asyncio.get_running_loop(), []

    def judge(*_: object, **__: object) -> dict[str, int]:
        another = threading.Event()
        loop.call_soon_threadsafe(another.set)
        served.append(another.wait(5))
        return {"guesses": passwords.GUESSES_NEEDED}

    monkeypatch.setattr(passwords, "zxcvbn", judge)
    await login.change_password(Credentials("grace", password), "seven otters juggle", Caller("192.0.2.1", "Firefox"))
    first = NewAdministrator.model_validate({"username": "linus", "password": "eleven geese parade"})
    await administrators.create(first, by=ada)
    assert served
    assert all(served)


async def test_two_who_remove_each_other_at_once_leave_one(administrators: Administrators) -> None:
    done = await asyncio.gather(
        administrators.remove("grace", by=as_person("admin", *SUPER)),
        administrators.remove("admin", by=as_person("grace", *SUPER)),
        return_exceptions=True,
    )
    assert sorted(getattr(each, "code", "done") for each in done) == ["done", "last_super_admin"]


async def test_everything_is_recorded(administrators: Administrators, recorded: Recorded, ada: Principal) -> None:
    before = len(await recorded())
    made = await administrators.create(NewAdministrator(username="linus", roles=frozenset({"readonly"})), by=ada)
    await administrators.change("linus", AdministratorChanges(roles=frozenset({"auditor"})), by=ada)
    for deed in (administrators.suspend, administrators.activate, administrators.unlock, administrators.end_sessions):
        await deed("linus", by=ada)
    password = (await administrators.reset_password("linus", by=ada)).temporary_password
    await administrators.remove("linus", by=ada)
    told = (await recorded())[before:]
    verbs = ["create", "change", "suspend", "activate", "unlock", "end_sessions", "reset_password", "remove"]
    assert [entry.action for entry in told] == [f"administrator.{verb}" for verb in verbs]
    assert {(entry.actor, entry.resource) for entry in told} == {("ada", "administrator:linus")}
    assert told[1].detail["roles"] == ["auditor"]
    assert not any(secret and secret in repr(told) for secret in (made.temporary_password, password, "argon2"))


async def test_what_was_rolled_back_left_no_entry(
    administrators: Administrators, doomed: Database, doomed_repeats: Repeats, recorded: Recorded, ada: Principal
) -> None:
    before, doomed_ones = await recorded(), replace(administrators, database=doomed, repeats=doomed_repeats)
    for deed in (
        doomed_ones.create(NewAdministrator(username="linus"), by=ada),
        doomed_ones.change("grace", AdministratorChanges(email="g@example.org"), by=ada),
        doomed_ones.suspend("grace", by=ada),
        doomed_ones.remove("grace", by=ada),
        doomed_ones.reset_password("grace", by=ada),
    ):
        with pytest.raises(Exception, match="CommitLost"):
            await deed
    assert await recorded() == before
    with pytest.raises(AdministratorUnknown):
        await administrators.one("linus")


async def test_nobody_gives_more_than_they_hold(administrators: Administrators) -> None:
    """Every built-in role tries to give every other to somebody who has none."""
    boss = as_person("boss", *SUPER)
    await administrators.create(NewAdministrator(username="linus"), by=boss)
    for giver, given_role in product(BUILT_IN, BUILT_IN):
        by, role = as_person("giver", giver), rights_of(BUILT_IN[given_role])
        code = await told(administrators.change("linus", AdministratorChanges(roles=frozenset({given_role})), by=by))
        assert (code == "done") == (not held_by(by).missing(role)), (giver, given_role)
        assert code in {"done", "scope_missing", "grant_missing"}
        await administrators.change("linus", AdministratorChanges(roles=frozenset()), by=boss)


async def told(deed: Coroutine[object, object, object]) -> str:
    """The code of the refusal, if it was one."""
    try:
        await deed
    except ArtStoreError as refused:
        return refused.code
    return "done"


@given(st.data())
def test_one_super_admin_always_remains(data: st.DataObject) -> None:
    """Whatever sequence of demotions, suspensions and removals is tried."""
    people = {name: Administrator(name, "", SUPER) for name in "abc"}
    for _ in range(data.draw(st.integers(1, 8))):
        name = data.draw(st.sampled_from(sorted(people)))
        before = people[name]
        after = data.draw(st.sampled_from([None, replace(before, roles=()), replace(before, suspended=True), before]))
        try:
            require_one_remains([each.username for each in people.values() if each.is_mighty], before, after)
        except LastSuperAdmin:
            continue
        people = {**people, name: after} if after else {key: each for key, each in people.items() if key != name}
    assert any(each.is_mighty for each in people.values())


async def test_a_name_that_is_being_given_to_a_program_is_waited_for(
    administrators: Administrators, database: Database, ada: Principal
) -> None:
    scanner = account_of(
        NewServiceAccount(client_id="scanner"),
        system=False,
        created_at=administrators.clock(),
        secret_expires_at=None,
    )
    async with database.transaction() as connection:
        await name_lock.take(connection, "scanner")
        made = asyncio.create_task(administrators.create(NewAdministrator(username="scanner"), by=ada))
        await asyncio.sleep(1)  # hashing a password takes its time
        await insert_account(connection, scanner)
    with pytest.raises(AccountExists):
        await made
