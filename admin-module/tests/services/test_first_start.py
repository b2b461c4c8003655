"""Furnishing an empty database, once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest
import sqlalchemy as sa

from admin_module.adapters.accounts import find_account, insert_account
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tables.schema import metadata
from admin_module.config import BootstrapSettings, Settings
from admin_module.domain.clock import Clock
from admin_module.domain.proofs import SharedSecret
from admin_module.domain.secrets import new_secret
from admin_module.services.clients import Clients
from admin_module.services.first_start import FirstStart
from admin_module.services.keyring import Keyring
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import InvalidClient
from artstore_kit.contracts.identity import Scope, ServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.settings import WrongSettings
from artstore_kit.testing.databases import settings_for
from artstore_kit.testing.fixtures import PostgresServer

type FirstStartWith = Callable[..., FirstStart]
type Recorded = Callable[[], Awaitable[list[AuditEntry]]]


async def rows(database: Database) -> Mapping[str, list[tuple[object, ...]]]:
    """All that is in the tables."""
    async with database.connect() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(table.select())]
            for table in metadata.sorted_tables
        }


def bootstrap(*accounts: Mapping[str, object], password: str | None = "long enough for all") -> BootstrapSettings:
    return BootstrapSettings.model_validate(
        {"administrator_password": password, "accounts": json.dumps([{"scopes": [], **each} for each in accounts])}
    )


async def test_an_empty_database_is_furnished(
    database: Database, first_start: FirstStartWith, fleet: Mapping[str, str]
) -> None:
    await first_start().run()
    found = await rows(database)
    assert [row[0] for row in found["administrators"]] == ["admin"]
    assert {row[0] for row in found["service_accounts"]} == set(fleet)
    assert len(found["signing_keys"]) == 1


async def test_the_second_start_changes_nothing(database: Database, first_start: FirstStartWith) -> None:
    await first_start().run()
    before = await rows(database)
    await first_start().run()
    assert await rows(database) == before


async def test_nodes_that_start_at_once_furnish_once(
    database: Database, first_start: FirstStartWith, fleet: Mapping[str, str]
) -> None:
    await asyncio.gather(*(first_start().run() for _ in range(4)))
    found = await rows(database)
    sizes = {name: len(each) for name, each in found.items() if each}
    assert sizes == {
        "administrators": 1,
        "signing_keys": 1,
        "service_accounts": len(fleet),
        "account_secrets": len(fleet),
        "audit_head": 1,
        "audit_entries": len(fleet) + 2,
        "audit_tiles": 1,
    }


async def test_no_secret_is_kept_in_clear(
    database: Database, first_start: FirstStartWith, fleet: Mapping[str, str], password: str
) -> None:
    await first_start().run()
    kept = repr(await rows(database))
    assert not any(secret in kept for secret in (*fleet.values(), password, "PRIVATE KEY"))


async def test_the_first_start_needs_a_password_and_leaves_nothing_without(
    database: Database, first_start: FirstStartWith
) -> None:
    with pytest.raises(WrongSettings, match="ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD: there is no administrator"):
        await first_start(bootstrap(password=None)).run()
    assert not any((await rows(database)).values())


async def test_later_starts_need_no_password_and_do_not_change_it(
    database: Database, first_start: FirstStartWith
) -> None:
    await first_start().run()
    before = (await rows(database))["administrators"]
    await first_start(bootstrap(password=None)).run()
    await first_start(bootstrap(password="quite another password")).run()
    assert (await rows(database))["administrators"] == before


async def test_a_changed_secret_replaces_the_old_one(first_start: FirstStartWith, clients: Clients) -> None:
    old, new = new_secret(), new_secret()
    await first_start(bootstrap({"client_id": "query-module", "client_secret": old})).run()
    await first_start(bootstrap({"client_id": "query-module", "client_secret": new})).run()
    assert await clients.authenticated(SharedSecret("query-module", new), "192.0.2.1")
    with pytest.raises(InvalidClient):
        await clients.authenticated(SharedSecret("query-module", old), "192.0.2.1")


async def test_rights_of_fleet_accounts_follow_the_settings(database: Database, first_start: FirstStartWith) -> None:
    account = {"client_id": "query-module", "client_secret": new_secret()}
    await first_start(bootstrap(account)).run()
    await first_start(bootstrap({**account, "scopes": ["files:read"], "description": "finds"})).run()
    async with database.connect() as connection:
        found = await find_account(connection, "query-module")
    assert found is not None
    assert (found.scopes, found.description) == ([Scope.FILES_READ], "finds")
    assert found.system
    assert found.secret_expires_at is None


@pytest.mark.parametrize(
    ("changes", "revoked"),
    [
        ({"scopes": ["files:delete"]}, True),
        ({"scopes": ["files:read", "files:write"]}, True),
        ({"scopes": ["files:read", "audit:read"]}, False),
        ({"grants": []}, True),
        ({"roles": []}, True),
        ({"description": "finds"}, False),
        ({"client_secret": new_secret()}, True),
        ({}, False),
    ],
    ids=[
        "other",
        "more",
        "what the role gives anyway",
        "no grants",
        "no roles",
        "other words",
        "another secret",
        "nothing",
    ],
)
async def test_tokens_of_other_rights_are_revoked(
    database: Database, first_start: FirstStartWith, clock: Clock, changes: Mapping[str, object], revoked: bool
) -> None:
    grants = [{"collection": "*", "actions": ["read"]}]
    given = {"scopes": ["files:read"], "grants": grants, "roles": ["auditor"], "client_secret": new_secret()}
    account = {"client_id": "query-module", **given}
    await first_start(bootstrap(account)).run()
    revocations = Revocations(database, clock)
    assert (await revocations.after(None)).items == []
    await first_start(bootstrap({**account, **changes})).run()
    told = [(each.kind, each.name) for each in (await revocations.after(None)).items]
    assert told == ([("subject", "query-module")] if revoked else [])


async def test_grants_too_many_for_an_entry_do_not_keep_it_from_starting(
    first_start: FirstStartWith, recorded: Recorded
) -> None:
    grants = [{"collection": f"{number:0>76}", "actions": ["read", "write", "delete"]} for number in range(30)]
    account = {"client_id": "query-module", "client_secret": new_secret(), "grants": grants}
    await first_start(bootstrap(account)).run()
    (told,) = [entry for entry in await recorded() if entry.action == "account.create"]
    assert isinstance(told.detail["grants"], dict)
    assert told.detail["grants"]["length"] == 30


async def test_an_account_that_somebody_made_is_not_taken_over(
    database: Database, first_start: FirstStartWith, clock: Clock
) -> None:
    somebodys = ServiceAccount(
        client_id="query-module",
        description="mine",
        roles=[],
        scopes=[],
        grants=[],
        system=False,
        created_at=clock(),
        secret_expires_at=None,
    )
    async with database.transaction() as connection:
        await insert_account(connection, somebodys)
    with pytest.raises(WrongSettings, match="'query-module' exists and was not made for the fleet"):
        await first_start(bootstrap({"client_id": "query-module", "client_secret": new_secret()})).run()
    async with database.connect() as connection:
        assert await find_account(connection, "query-module") == somebodys


async def test_a_fleet_account_cannot_be_named_like_an_administrator(first_start: FirstStartWith) -> None:
    with pytest.raises(WrongSettings, match="'admin' is an administrator's name"):
        await first_start(bootstrap({"client_id": "admin", "client_secret": new_secret()})).run()


async def test_a_wrong_sealing_key_is_told_at_start(
    database: Database, first_start: FirstStartWith, settings: Settings, clock: Clock
) -> None:
    await first_start().run()
    with pytest.raises(WrongSettings, match="ARTSTORE_KEYS__SEALING_KEY: does not open"):
        await Keyring(database, SealedKeys(bytes(32)), settings.tokens, clock).open()


async def test_a_database_without_tables_is_told_at_start(
    postgres_server: PostgresServer,
    settings: Settings,
    sealed_keys: SealedKeys,
    clock: Clock,
    first_start: FirstStartWith,
) -> None:
    empty = Database(settings_for(postgres_server.create_database("admin_module_not_migrated")))
    start = replace(first_start(), database=empty)
    with pytest.raises(WrongSettings, match="python -m admin_module migrate"):
        await start.run()
    async with empty.connect() as connection:
        assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []
    await empty.close()


async def test_what_is_furnished_is_recorded(
    first_start: FirstStartWith, recorded: Recorded, fleet: Mapping[str, str]
) -> None:
    await first_start().run()
    told = [(entry.action, entry.resource) for entry in await recorded()]
    assert told[:-1] == [
        ("administrator.create", "administrator:admin"),
        *(("account.create", f"account:{name}") for name in fleet),
    ]
    assert told[-1][0] == "key.create"
    assert {entry.actor for entry in await recorded()} == {"admin-module"}


async def test_a_changed_fleet_account_is_recorded_without_its_secret(
    first_start: FirstStartWith, recorded: Recorded
) -> None:
    account, other = {"client_id": "query-module", "client_secret": new_secret()}, new_secret()
    await first_start(bootstrap(account)).run()
    before = len(await recorded())
    await first_start(bootstrap({**account, "scopes": ["files:read"]})).run()
    await first_start(bootstrap({**account, "scopes": ["files:read"], "client_secret": other})).run()
    rights, secret = (await recorded())[before:]
    assert {rights.action, secret.action} == {"account.change"}
    assert (rights.detail["secret_replaced"], secret.detail["secret_replaced"]) == (False, True)
    assert rights.detail["scopes"] == ["files:read"]
    kept = repr(await recorded())
    assert not any(given in kept for given in (account["client_secret"], other))


async def test_furnishing_that_was_rolled_back_leaves_no_entry(
    first_start: FirstStartWith, doomed: Database, recorded: Recorded
) -> None:
    with pytest.raises(Exception, match="CommitLost"):
        await replace(first_start(), database=doomed).run()
    assert await recorded() == []
