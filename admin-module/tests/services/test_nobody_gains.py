"""Whatever anybody with any rights tries on any accounts and roles: nobody gives or touches more than they hold.

The rules are told here a second time, by counting out every scope and every collection of a small world.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from itertools import count, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin_module.adapters.accounts import find_account, insert_account
from admin_module.adapters.roles import insert_role
from admin_module.config import AccountsSettings
from admin_module.domain.accounts import account_of
from admin_module.domain.rights import NOTHING, Rights
from admin_module.domain.roles import made
from admin_module.services.account_changes import AccountChanging
from admin_module.services.account_secrets import AccountSecrets
from admin_module.services.accounts import Accounts
from admin_module.services.audit import AuditLog
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights, own_rights
from admin_module.services.roles import Roles
from artstore_kit.contracts.accounts import AccountChanges
from artstore_kit.contracts.errors import GrantMissing, HoldsMore, ScopeMissing
from artstore_kit.contracts.identity import Action, Grant, NewServiceAccount, Scope
from artstore_kit.contracts.roles import NewRole, RoleChanges
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

SCOPES = (Scope.FILES_READ, Scope.ACCOUNTS_WRITE, Scope.ROLES_WRITE)
PATTERNS = ("*", "a*", "*a", "ab", "a*b", "b")
COLLECTIONS = ["".join(letters) for size in range(5) for letters in product("abz", repeat=size)]
SUBJECTS, ROLES = ("s0", "s1", "s2"), ("r0", "r1")
WORLDS = count()

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
ALL_SCOPES = frozenset(scope.value for scope in SCOPES)
strong = some_rights.map(lambda rights: Rights(ALL_SCOPES, rights.grants))
everything = st.just(Rights(ALL_SCOPES, (Grant(collection="*", actions=frozenset({Action.READ, Action.WRITE})),)))
some_roles = st.frozensets(st.sampled_from(ROLES))


@dataclass(frozen=True)
class Holder:
    """A subject: its roles, and its own rights."""

    roles: frozenset[str]
    own: Rights


@dataclass(frozen=True)
class World:
    """What every role gives, and who holds what."""

    roles: Mapping[str, Rights]
    holders: Mapping[str, Holder]

    def held(self, name: str) -> frozenset[object]:
        """Every scope and every action on every collection that this holder has."""
        holder = self.holders[name]
        return points(holder.own).union(*(points(self.roles[role]) for role in holder.roles))


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
    st.fixed_dictionaries(dict.fromkeys(SUBJECTS, st.builds(Holder, some_roles, some_rights))),
)
deeds = st.one_of(
    st.builds(
        Deed,
        st.sampled_from(["change", "suspend", "remove", "rotate"]),
        st.sampled_from(SUBJECTS),
        some_roles,
        some_rights,
    ),
    st.builds(Deed, st.just("change role"), st.sampled_from(ROLES), some_roles, some_rights),
    st.builds(Deed, st.sampled_from(["create", "create role"]), st.just("new"), some_roles, some_rights),
)


@st.composite
def tries(draw: st.DrawFn) -> tuple[World, Deed, Rights]:
    """A deed in a world, and what whoever tries it holds: often what is given, and what was there, and nothing else."""
    world, deed = draw(worlds), draw(deeds)
    there = world.roles.get(deed.to, NOTHING)
    there = world.holders[deed.to].own if deed.to in world.holders else there
    return world, deed, draw(st.one_of(st.just(deed.rights | there), some_rights, strong, everything))


def points(rights: Rights) -> frozenset[object]:
    return frozenset[object](rights.scopes).union(*(_of_grant(grant) for grant in rights.grants))


@cache
def _of_grant(grant: Grant) -> frozenset[object]:
    matched = [each for each in COLLECTIONS if fnmatchcase(each, grant.collection)]
    return frozenset(product(grant.actions, matched))


def done(world: World, deed: Deed) -> World:
    """The world after the deed."""
    if deed.what in {"create", "change"}:
        return replace(world, holders={**world.holders, deed.to: Holder(deed.roles, deed.rights)})
    if deed.what in {"create role", "change role"}:
        return replace(world, roles={**world.roles, deed.to: deed.rights})
    if deed.what == "remove":
        return replace(world, holders={name: each for name, each in world.holders.items() if name != deed.to})
    return world


def touched(before: World, after: World, deed: Deed) -> Iterable[frozenset[object]]:
    """All that must lie within the rights of whoever does it."""
    for world in (before, after):
        if deed.to in world.roles:
            yield points(world.roles[deed.to])
        for name, holder in world.holders.items():
            if name == deed.to or deed.to in holder.roles:
                yield world.held(name)


class Bed:
    """A world in the database, under names of its own, and the services that change it."""

    def __init__(self, database: Database, clock: MovableClock) -> None:
        audit, revocations = AuditLog(database, clock), Revocations(database, clock)
        self.database, self.clock, self.prefix = database, clock, f"w{next(WORLDS)}-"
        self.accounts = Accounts(database, audit, AccountsSettings(), clock)
        self.changing = AccountChanging(database, audit, revocations)
        self.secrets = AccountSecrets(database, audit, revocations, AccountsSettings(), clock)
        self.roles = Roles(database, audit, revocations, clock)

    async def furnish(self, world: World) -> None:
        now = self.clock()
        async with self.database.transaction() as connection:
            for name, rights in world.roles.items():
                await insert_role(connection, made(NewRole.model_validate(self.told(name, rights, "name"))), now)
            for name, holder in world.holders.items():
                new = self.new_account(name, holder.roles, holder.own)
                account = account_of(new, system=False, created_at=now, secret_expires_at=None)
                await insert_account(connection, account)

    def told(self, name: str, rights: Rights, key: str) -> dict[str, object]:
        return {key: self.prefix + name, "scopes": rights.scopes, "grants": rights.grants}

    def new_account(self, name: str, roles: frozenset[str], rights: Rights) -> NewServiceAccount:
        named = {"roles": [self.prefix + role for role in roles]}
        return NewServiceAccount.model_validate(self.told(name, rights, "client_id") | named)

    async def act(self, deed: Deed, by: Principal) -> None:
        to, rights = self.prefix + deed.to, {"scopes": deed.rights.scopes, "grants": list(deed.rights.grants)}
        roles = [self.prefix + role for role in deed.roles]
        match deed.what:
            case "create":
                await self.accounts.create(self.new_account(deed.to, deed.roles, deed.rights), by=by)
            case "change":
                changes = AccountChanges.model_validate({**rights, "roles": roles})
                await self.changing.change(to, changes, by=by, if_match=None)
            case "suspend":
                await self.changing.suspend(to, by=by)
            case "remove":
                await self.changing.remove(to, by=by)
            case "rotate":
                await self.secrets.rotate(to, timedelta(), by=by)
            case "create role":
                await self.roles.create(NewRole.model_validate(self.told(deed.to, deed.rights, "name")), by=by)
            case "change role":
                await self.roles.change(to, RoleChanges.model_validate(rights), by=by, if_match=None)

    async def held(self, name: str) -> frozenset[object] | None:
        """What the database says that the account may; None when it is not there."""
        async with self.database.connect() as connection:
            account = await find_account(connection, self.prefix + name)
            if account is None:
                return None
            return points(await effective_rights(connection, account.roles, own_rights(account)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tried=tries())
async def test_a_deed_succeeds_exactly_when_all_that_it_touches_is_held(
    database: Database, clock: MovableClock, tried: tuple[World, Deed, Rights]
) -> None:
    world, deed, held = tried
    bed = Bed(database, clock)
    await bed.furnish(world)
    after = done(world, deed)
    allowed = all(each <= points(held) for each in touched(world, after, deed))
    by = Principal("ann", "ann", held.scopes, held.grants, frozenset(), 0)
    if allowed:
        await bed.act(deed, by)
    else:
        with pytest.raises((ScopeMissing, GrantMissing, HoldsMore)):
            await bed.act(deed, by)
    now = after if allowed else world
    for name in (*SUBJECTS, "new"):
        assert await bed.held(name) == (now.held(name) if name in now.holders else None)


async def test_a_world_where_nobody_holds_anything_is_open_to_all(database: Database, clock: MovableClock) -> None:
    """So that the property above does not hold because everything is refused."""
    bed, nobody = Bed(database, clock), Holder(frozenset(), NOTHING)
    await bed.furnish(World(dict.fromkeys(ROLES, NOTHING), dict.fromkeys(SUBJECTS, nobody)))
    anybody = Principal("ann", "ann", frozenset(), (), frozenset(), 0)
    for what in ("change", "suspend", "rotate", "remove"):
        await bed.act(Deed(what, "s0", frozenset(ROLES), NOTHING), anybody)
    assert await bed.held("s0") is None
