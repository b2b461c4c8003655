"""Whatever anybody with any rights tries on accounts, people and roles: nobody gives or touches more than they hold.

The rules are told here a second time, by counting out every scope and every collection of a small world.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from itertools import count, product

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.accounts import find_account, insert_account
from admin_module.adapters.administrators import find_administrator, insert_administrator
from admin_module.adapters.passwords import Passwords
from admin_module.adapters.roles import insert_role, roles_named
from admin_module.adapters.second_factors import write_factor
from admin_module.adapters.sessions import insert_session
from admin_module.config import AccountsSettings
from admin_module.domain.accounts import account_of
from admin_module.domain.administrators import Administrator
from admin_module.domain.rights import NOTHING, Rights
from admin_module.domain.roles import made, rights_of
from admin_module.domain.secrets import hashed, new_secret
from admin_module.domain.sessions import Caller, Lifetimes, begun
from admin_module.services.account_changes import AccountChanging
from admin_module.services.account_secrets import AccountSecrets
from admin_module.services.accounts import Accounts
from admin_module.services.administrators import Administrators
from admin_module.services.keyring import Keyring
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights, own_rights
from admin_module.services.roles import Roles
from admin_module.services.sessions import Sessions
from artstore_kit.contracts.accounts import AccountChanges
from artstore_kit.contracts.administrators import AdministratorChanges, NewAdministrator
from artstore_kit.contracts.errors import GrantMissing, HoldsMore, RoleInUse, ScopeMissing
from artstore_kit.contracts.identity import Action, Grant, NewServiceAccount, Scope
from artstore_kit.contracts.roles import NewRole, RoleChanges
from artstore_kit.principal import Principal

SCOPES = (Scope.FILES_READ, Scope.ACCOUNTS_WRITE, Scope.ROLES_WRITE)
PATTERNS = ("*", "a*", "*a", "ab", "a*b", "b")
COLLECTIONS = ["".join(letters) for size in range(5) for letters in product("abz", repeat=size)]
ACCOUNTS, PEOPLE = ("a0", "a1"), ("p0", "p1")
HELD_ROLES = ("r0", "r1")
ROLES = (*HELD_ROLES, "nobodys")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LIFETIMES = Lifetimes(timedelta(hours=12), timedelta(days=7))
WORLDS = count()
TARGETS: Mapping[str, tuple[str, ...]] = {
    "create account": ("new",),
    **dict.fromkeys(("change account", "replace keys", "rotate secret"), ACCOUNTS),
    **dict.fromkeys(("suspend account", "activate account", "remove account"), ACCOUNTS),
    "create person": ("new",),
    **dict.fromkeys(("change roles", "rename", "suspend person", "activate person", "remove person"), PEOPLE),
    **dict.fromkeys(("unlock", "reset password", "reset totp", "end sessions", "end session"), PEOPLE),
    "create role": ("new",),
    **dict.fromkeys(("change role", "remove role"), ("r0", "nobodys")),
}
"""Every deed, and on whom or on what."""

grants = st.builds(
    Grant,
    collection=st.sampled_from(PATTERNS),
    actions=st.frozensets(st.sampled_from([Action.READ, Action.WRITE]), min_size=1),
)
some_rights = st.builds(
    lambda scopes, grants: Rights(frozenset(scopes), tuple(grants)),
    st.frozensets(st.sampled_from([scope.value for scope in SCOPES])),
    st.lists(grants, max_size=2),
)
some_roles = st.frozensets(st.sampled_from(HELD_ROLES))


@dataclass(frozen=True)
class Holder:
    """A subject: its roles, and its own rights. People have none of their own."""

    roles: frozenset[str]
    own: Rights


@dataclass(frozen=True)
class World:
    """What every role gives, and who holds what."""

    roles: Mapping[str, Rights]
    holders: Mapping[str, Holder]

    def rights(self, name: str) -> Rights:
        """What a role gives, or a holder has."""
        holder = self.holders.get(name, Holder(frozenset(), self.roles.get(name, NOTHING)))
        return holder.own.with_all(self.roles[role] for role in holder.roles)

    def held(self, name: str) -> frozenset[object]:
        """The same, counted out: every scope, and every action on every collection."""
        if name in self.roles:
            return points(self.roles[name])
        holder = self.holders[name]
        return points(holder.own).union(*(points(self.roles[role]) for role in holder.roles))

    def holds(self, role: str) -> bool:
        """Whether anybody holds it."""
        return any(role in holder.roles for holder in self.holders.values())


@dataclass(frozen=True)
class Deed:
    """Somebody tries to do `what` to a subject or a role, with these roles and rights."""

    what: str
    to: str
    roles: frozenset[str]
    rights: Rights


worlds = st.builds(
    World,
    st.fixed_dictionaries(dict.fromkeys(ROLES, some_rights)),
    st.fixed_dictionaries(
        dict.fromkeys(ACCOUNTS, st.builds(Holder, some_roles, some_rights))
        | dict.fromkeys(PEOPLE, st.builds(Holder, some_roles, st.just(NOTHING)))
    ),
)


@st.composite
def tries(draw: st.DrawFn, what: str) -> tuple[World, Deed]:
    """A deed in a world."""
    of_person = TARGETS[what] == PEOPLE or what == "create person"
    rights = NOTHING if of_person else draw(some_rights)
    return draw(worlds), Deed(what, draw(st.sampled_from(TARGETS[what])), draw(some_roles), rights)


def points(rights: Rights) -> frozenset[object]:
    return frozenset[object](rights.scopes).union(*(_of_grant(grant) for grant in rights.grants))


@cache
def _of_grant(grant: Grant) -> frozenset[object]:
    matched = [each for each in COLLECTIONS if fnmatchcase(each, grant.collection)]
    return frozenset(product(grant.actions, matched))


def done(world: World, deed: Deed) -> World:
    """The world after the deed."""
    if deed.what in {"create account", "create person", "change account", "change roles"}:
        return replace(world, holders={**world.holders, deed.to: Holder(deed.roles, deed.rights)})
    if deed.what in {"create role", "change role"}:
        return replace(world, roles={**world.roles, deed.to: deed.rights})
    if deed.what in {"remove account", "remove person"}:
        return replace(world, holders={name: each for name, each in world.holders.items() if name != deed.to})
    if deed.what == "remove role" and not world.holds(deed.to):
        return replace(world, roles={name: each for name, each in world.roles.items() if name != deed.to})
    return world


def touched(world: World, deed: Deed) -> Iterable[str]:
    """All whose rights, before and after the deed, must lie within those of whoever does it."""
    yield from {deed.to} & {*world.roles, *world.holders}
    if deed.what == "change role":
        yield from (name for name, holder in world.holders.items() if deed.to in holder.roles)


def suffices(held: Rights, world: World, deed: Deed) -> bool:
    """Whether somebody who holds this may do it."""
    both = (world, done(world, deed))
    return all(each.held(name) <= points(held) for each in both for name in touched(each, deed))


def needed(world: World, deed: Deed) -> Rights:
    """All that is there of it in this world, and not a right more."""
    return NOTHING.with_all(world.rights(name) for name in touched(world, deed))


def nearly(world: World, deed: Deed) -> Iterable[Rights]:
    """What whoever tries it holds: only what is given, only what was there, only what it is about itself."""
    after = done(world, deed)
    itself = world.rights(deed.to), after.rights(deed.to)
    return NOTHING, *itself, itself[0] | itself[1], needed(world, deed), needed(after, deed)


type Act = Callable[[str, Deed, Principal], Awaitable[object]]


class Bed:
    """A world in the database, under names of its own, and the services that change it."""

    def __init__(self, repeats: Repeats, keyring: Keyring) -> None:
        database, audit, clock = repeats.database, repeats.audit, repeats.clock
        revocations = Revocations(database, clock)
        sessions = Sessions(database, audit, keyring, revocations, LIFETIMES, clock)
        self.database, self.clock, self.prefix = database, clock, f"w{next(WORLDS)}-"
        self.accounts = Accounts(database, audit, repeats, AccountsSettings(), clock)
        self.changing = AccountChanging(database, audit, revocations)
        self.secrets = AccountSecrets(database, audit, repeats, revocations, AccountsSettings(), clock)
        self.people = Administrators(database, audit, repeats, Passwords(CHEAP), sessions, revocations, clock)
        self.roles = Roles(database, audit, repeats, revocations, clock)
        self.session_ids: dict[str, str] = {}
        self.acts = {**self.on_accounts(), **self.on_people(), **self.on_roles()}

    def on_accounts(self) -> Mapping[str, Act]:
        changing = self.changing
        return {
            "create account": lambda _, deed, by: self.accounts.create(self.account(deed.to, deed), by=by),
            "change account": lambda to, deed, by: changing.change(to, self.changes(deed), by=by, if_match=None),
            "replace keys": lambda to, _, by: changing.change(to, AccountChanges(jwks=None), by=by, if_match=None),
            "rotate secret": lambda to, _, by: self.secrets.rotate(to, timedelta(), by=by),
            "suspend account": lambda to, _, by: changing.suspend(to, by=by),
            "activate account": lambda to, _, by: changing.activate(to, by=by),
            "remove account": lambda to, _, by: changing.remove(to, by=by),
        }

    def on_people(self) -> Mapping[str, Act]:
        people = self.people
        return {
            "create person": lambda to, deed, by: people.create(
                NewAdministrator(username=to, roles=self.named(deed.roles)), by=by
            ),
            "change roles": lambda to, deed, by: people.change(
                to, AdministratorChanges(roles=self.named(deed.roles)), by=by
            ),
            "rename": lambda to, _, by: people.change(to, AdministratorChanges(display_name="Ann"), by=by),
            "suspend person": lambda to, _, by: people.suspend(to, by=by),
            "activate person": lambda to, _, by: people.activate(to, by=by),
            "remove person": lambda to, _, by: people.remove(to, by=by),
            "unlock": lambda to, _, by: people.unlock(to, by=by),
            "reset password": lambda to, _, by: people.reset_password(to, by=by),
            "reset totp": lambda to, _, by: people.reset_totp(to, by=by),
            "end sessions": lambda to, _, by: people.end_sessions(to, by=by),
            "end session": lambda to, _, by: people.end_session(to, self.session_ids[to], by=by),
        }

    def on_roles(self) -> Mapping[str, Act]:
        return {
            "create role": lambda _, deed, by: self.roles.create(self.role(deed.to, deed.rights), by=by),
            "change role": lambda to, deed, by: self.roles.change(
                to, RoleChanges.model_validate(told(deed.rights)), by=by, if_match=None
            ),
            "remove role": lambda to, _, by: self.roles.remove(to, by=by),
        }

    async def furnish(self, world: World) -> None:
        now = self.clock()
        async with self.database.transaction() as connection:
            for name, rights in world.roles.items():
                await insert_role(connection, made(self.role(name, rights)), now)
            for name in ACCOUNTS:
                new = self.account(name, world.holders[name])
                account = account_of(new, system=False, created_at=now, secret_expires_at=None)
                await insert_account(connection, account)
            for name in PEOPLE:
                await self.welcome(connection, self.prefix + name, self.named(world.holders[name].roles))

    async def welcome(self, connection: AsyncConnection, name: str, roles: frozenset[str]) -> None:
        """Somebody with a second factor, who is logged in."""
        session = begun(name, Caller(), hashed(new_secret()), LIFETIMES, self.clock())
        await insert_administrator(connection, Administrator(name, "", tuple(sorted(roles))), self.clock())
        await write_factor(connection, name, b"sealed")
        await insert_session(connection, session)
        self.session_ids[name] = session.session_id

    def named(self, roles: Iterable[str]) -> frozenset[str]:
        return frozenset(self.prefix + role for role in roles)

    def role(self, name: str, rights: Rights) -> NewRole:
        return NewRole.model_validate({"name": self.prefix + name, **told(rights)})

    def account(self, name: str, holder: "Holder | Deed") -> NewServiceAccount:
        own = holder.own if isinstance(holder, Holder) else holder.rights
        named = {"client_id": self.prefix + name, "roles": self.named(holder.roles)}
        return NewServiceAccount.model_validate({**named, **told(own)})

    def changes(self, deed: Deed) -> AccountChanges:
        return AccountChanges.model_validate({**told(deed.rights), "roles": self.named(deed.roles)})

    async def act(self, deed: Deed, by: Principal) -> None:
        await self.acts[deed.what](self.prefix + deed.to, deed, by)

    async def held(self, names: Iterable[str]) -> dict[str, frozenset[object]]:
        """What the database says that these accounts, people and roles may; who is not there is left out."""
        async with self.database.connect() as connection:
            rights = {name: await self._rights(connection, self.prefix + name) for name in names}
        return {name: points(each) for name, each in rights.items() if each is not None}

    async def _rights(self, connection: AsyncConnection, name: str) -> Rights | None:
        if account := await find_account(connection, name):
            return await effective_rights(connection, account.roles, own_rights(account))
        if person := await find_administrator(connection, name):
            return await effective_rights(connection, person.roles)
        roles = await roles_named(connection, [name])
        return rights_of(roles[0]) if roles else None


def told(rights: Rights) -> dict[str, object]:
    return {"scopes": rights.scopes, "grants": list(rights.grants)}


def somebody(held: Rights) -> Principal:
    return Principal("ann", "ann", held.scopes, held.grants, frozenset(), 0)


@pytest.mark.parametrize("what", TARGETS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_deed_succeeds_exactly_when_all_that_it_touches_is_held(
    repeats: Repeats, keyring: Keyring, what: str, data: st.DataObject
) -> None:
    world, deed = data.draw(tries(what))
    bed, after = Bed(repeats, keyring), done(world, deed)
    await bed.furnish(world)
    for held in (*nearly(world, deed), data.draw(some_rights)):
        if not suffices(held, world, deed):
            with pytest.raises((ScopeMissing, GrantMissing, HoldsMore)):
                await bed.act(deed, somebody(held))
    with pytest.raises(RoleInUse) if what == "remove role" and world.holds(deed.to) else nullcontext():
        await bed.act(deed, somebody(needed(world, deed) | needed(after, deed)))
    expected = {name: after.held(name) for name in (*after.holders, *after.roles)}
    assert await bed.held({*expected, deed.to}) == expected


async def test_a_world_where_nobody_holds_anything_is_open_to_all(repeats: Repeats, keyring: Keyring) -> None:
    """So that the property above does not hold because everything is refused."""
    nobody = Holder(frozenset(), NOTHING)
    world = World(dict.fromkeys(ROLES, NOTHING), dict.fromkeys((*ACCOUNTS, *PEOPLE), nobody))
    for what, names in TARGETS.items():
        bed = Bed(repeats, keyring)
        await bed.furnish(world)
        await bed.act(Deed(what, names[0], frozenset(), NOTHING), somebody(NOTHING))
