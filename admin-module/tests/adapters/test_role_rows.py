"""Roles in PostgreSQL, and what happens when two have to do with one at once."""

import asyncio
from datetime import UTC, datetime

import pytest

from admin_module.adapters.accounts import insert_account
from admin_module.adapters.administrators import insert_administrator
from admin_module.adapters.roles import (
    delete_role,
    holdings_with,
    insert_role,
    role_to_change,
    roles_after,
    roles_kept,
    roles_named,
    update_role,
)
from admin_module.domain.administrators import Administrator
from admin_module.domain.rights import Rights
from admin_module.domain.roles import Holding
from artstore_kit.contracts.identity import Action, Grant, Scope, ServiceAccount
from artstore_kit.contracts.roles import Role
from artstore_kit.postgres import Database

NOW = datetime(2026, 5, 1, tzinfo=UTC)
READ_HR = Grant(collection="hr/*", actions=frozenset({Action.READ}))


def role(name: str = "clerk", **more: object) -> Role:
    told = {"description": "", "scopes": [Scope.FILES_READ], "grants": [READ_HR], "builtin": False, "revision": 1}
    return Role.model_validate({"name": name, **told, **more})


def account(client_id: str, *roles: str) -> ServiceAccount:
    return ServiceAccount(
        client_id=client_id,
        description="",
        roles=list(roles),
        scopes=[Scope.FILES_WRITE],
        grants=[READ_HR],
        system=False,
        created_at=NOW,
        secret_expires_at=None,
    )


async def test_a_role_is_read_as_it_was_written(database: Database) -> None:
    async with database.transaction() as connection:
        assert await insert_role(connection, role(), NOW)
        assert not await insert_role(connection, role(description="another"), NOW)
        assert await roles_named(connection, ["clerk", "nobody"]) == [role()]
        await update_role(connection, role(description="changed", revision=2))
        assert await role_to_change(connection, "clerk") == role(description="changed", revision=2)
        await delete_role(connection, "clerk")
        assert await roles_named(connection, ["clerk"]) == []
        assert await role_to_change(connection, "clerk") is None


async def test_pages_are_ordered_by_name(database: Database) -> None:
    async with database.transaction() as connection:
        for name in ("cc", "a-b", "a_b", "bb"):
            await insert_role(connection, role(name), NOW)
        assert [each.name for each in await roles_after(connection, "", 3)] == ["a-b", "a_b", "bb"]
        assert [each.name for each in await roles_after(connection, "bb", 3)] == ["cc"]


async def test_who_holds_a_role(database: Database) -> None:
    async with database.transaction() as connection:
        for each in (account("one", "clerk", "readonly"), account("two", "clerk", "readonly"), account("three")):
            await insert_account(connection, each)
        await insert_administrator(connection, Administrator("ada", "hash", ("clerk",)), NOW)
        held = await holdings_with(connection, "clerk")
        assert sorted(held, key=lambda each: len(each.roles)) == [
            Holding(("clerk",)),
            Holding(("clerk", "readonly"), Rights(frozenset({"files:write"}), (READ_HR,))),
        ]
        assert await holdings_with(connection, "auditor") == []


@pytest.mark.parametrize("first", ["giver", "remover"])
async def test_a_role_is_not_removed_while_it_is_given(database: Database, first: str) -> None:
    """Either the giver has it and the remover sees the holder, or the remover has it and the giver sees no role."""
    async with database.transaction() as connection:
        await insert_role(connection, role(), NOW)
    begun, go_on = asyncio.Event(), asyncio.Event()
    acts = {"giver": _give, "remover": _remove}
    (second,) = acts.keys() - {first}
    early = asyncio.create_task(acts[first](database, begun, go_on))
    await begun.wait()
    late = asyncio.create_task(acts[second](database, asyncio.Event(), go_on))
    await asyncio.sleep(0.1)
    go_on.set()
    assert (await early, await late) == (True, False)


async def _give(database: Database, begun: asyncio.Event, go_on: asyncio.Event) -> bool:
    async with database.transaction() as connection:
        there = await roles_kept(connection, ["clerk"])
        begun.set()
        await go_on.wait()
        if there:
            await insert_account(connection, account("one", "clerk"))
    return bool(there)


async def _remove(database: Database, begun: asyncio.Event, go_on: asyncio.Event) -> bool:
    async with database.transaction() as connection:
        there = await role_to_change(connection, "clerk")
        begun.set()
        await go_on.wait()
        free = not await holdings_with(connection, "clerk")
        if there and free:
            await delete_role(connection, "clerk")
    return bool(there and free)
