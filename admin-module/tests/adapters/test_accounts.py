"""Service accounts and their secrets in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.account_secrets import add_secret, remove_other_secrets
from admin_module.adapters.accounts import accounts_after, find_account, insert_account, update_account
from admin_module.adapters.clients import find_clients
from artstore_kit.contracts.accounts import AccountFilter
from artstore_kit.contracts.identity import Action, Grant, Scope, ServiceAccount
from artstore_kit.postgres import Database

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = bytes(32), bytes(range(32))


def account(client_id: str = "scanner", *, description: str = "") -> ServiceAccount:
    return ServiceAccount(
        client_id=client_id,
        description=description,
        roles=["readonly"],
        scopes=[Scope.FILES_READ, Scope.FILES_WRITE],
        grants=[Grant(collection="hr/*", actions=frozenset({Action.READ}))],
        system=False,
        created_at=NOW,
        secret_expires_at=None,
    )


async def secrets_of(connection: AsyncConnection, now: datetime) -> Sequence[bytes]:
    found = await find_clients(connection, ["scanner", "nobody"], now)
    assert found.keys() == {"scanner"}
    return found["scanner"].secrets


async def test_an_account_is_read_as_it_was_written(database: Database) -> None:
    async with database.transaction() as connection:
        assert await insert_account(connection, account())
        assert await find_account(connection, "scanner") == account()
        assert await find_account(connection, "nobody") is None


async def test_a_taken_name_changes_nothing(database: Database) -> None:
    async with database.transaction() as connection:
        await insert_account(connection, account())
        assert not await insert_account(connection, account(description="another"))
        assert await find_account(connection, "scanner") == account()


async def test_an_update_keeps_the_time_of_creation(database: Database) -> None:
    async with database.transaction() as connection:
        await insert_account(connection, account())
        later = account(description="changed").model_copy(update={"created_at": NOW + DAY})
        await update_account(connection, later)
        assert await find_account(connection, "scanner") == account(description="changed")


async def test_secrets_overlap_and_expire(database: Database) -> None:
    async with database.transaction() as connection:
        await insert_account(connection, account())
        await add_secret(connection, "scanner", OLD, NOW, NOW + DAY)
        await add_secret(connection, "scanner", NEW, NOW, NOW + 2 * DAY)
        for now, valid in ((NOW, {OLD, NEW}), (NOW + DAY, {NEW}), (NOW + 2 * DAY, set())):
            assert set(await secrets_of(connection, now)) == valid


async def test_the_last_expiry_is_told(database: Database) -> None:
    async with database.transaction() as connection:
        await insert_account(connection, account())
        await add_secret(connection, "scanner", OLD, NOW, NOW + DAY)
        await add_secret(connection, "scanner", NEW, NOW, NOW + 2 * DAY)
        found = await find_account(connection, "scanner")
        assert found is not None
        assert found.secret_expires_at == NOW + 2 * DAY
        await add_secret(connection, "scanner", bytes(reversed(NEW)), NOW, None)
        assert await find_account(connection, "scanner") == account()


async def test_one_secret_can_be_the_only_one(database: Database) -> None:
    async with database.transaction() as connection:
        await insert_account(connection, account())
        await add_secret(connection, "scanner", OLD, NOW, None)
        await add_secret(connection, "scanner", NEW, NOW, None)
        assert await remove_other_secrets(connection, "scanner", NEW) == 1
        assert await remove_other_secrets(connection, "scanner", NEW) == 0
        assert await secrets_of(connection, NOW) == [NEW]


async def test_pages_are_ordered_by_name(database: Database) -> None:
    everyone = AccountFilter()
    async with database.transaction() as connection:
        for name in ("c1", "a1", "b1"):
            await insert_account(connection, account(name))
        assert [each.client_id for each in await accounts_after(connection, "", 2, everyone)] == ["a1", "b1"]
        assert [each.client_id for each in await accounts_after(connection, "b1", 2, everyone)] == ["c1"]
        assert await accounts_after(connection, "c1", 2, everyone) == []
