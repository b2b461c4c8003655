"""Accounts by name, state, role, kind and the end of their secret; the pages go over the index."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from admin_module.adapters.account_secrets import add_secret
from admin_module.adapters.accounts import accounts_after, insert_account
from artstore_kit.contracts.accounts import AccountFilter
from artstore_kit.contracts.identity import AccountState, ServiceAccount
from artstore_kit.postgres import Database

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def account(client_id: str, **more: object) -> ServiceAccount:
    rights: dict[str, object] = {"roles": [], "scopes": [], "grants": []}
    told = {"description": "", "system": False, "created_at": NOW, "secret_expires_at": None}
    return ServiceAccount.model_validate({"client_id": client_id, **rights, **told, **more})


@pytest.fixture
async def some(database: Database) -> Database:
    """Six accounts; by the day, when each of their secrets ends."""
    accounts: list[tuple[ServiceAccount, list[int | None]]] = [
        (account("scan", roles=["clerk"]), [1]),
        (account("scan-1", roles=["clerk", "auditor"], state=AccountState.SUSPENDED), [1, 5]),
        (account("scan_2"), [2]),
        (account("scan.3", system=True), [None]),
        (account("scam", roles=["auditor"]), [1, None]),
        (account("scao", roles=["auditor"]), []),
    ]
    async with database.transaction() as connection:
        for each, ends in accounts:
            await insert_account(connection, each)
            for number, day in enumerate(ends):
                expires_at = None if day is None else NOW + day * DAY
                await add_secret(connection, each.client_id, bytes([number] * 32), NOW, expires_at)
    return database


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["scam", "scan", "scan-1", "scan.3", "scan_2", "scao"]),
        ({"prefix": "scan"}, ["scan", "scan-1", "scan.3", "scan_2"]),
        ({"prefix": "scan_"}, ["scan_2"]),
        ({"prefix": "scan-1-"}, []),
        ({"state": "suspended"}, ["scan-1"]),
        ({"state": "active", "prefix": "scan"}, ["scan", "scan.3", "scan_2"]),
        ({"role": "auditor"}, ["scam", "scan-1", "scao"]),
        ({"role": "nothing"}, []),
        ({"system": True}, ["scan.3"]),
        ({"system": False, "role": "clerk"}, ["scan", "scan-1"]),
        ({"secret_expires_before": NOW + DAY}, []),
        ({"secret_expires_before": NOW + 2 * DAY}, ["scan"]),
        ({"secret_expires_before": NOW + 9 * DAY}, ["scan", "scan-1", "scan_2"]),
        ({"secret_expires_before": NOW + 9 * DAY, "state": "suspended"}, ["scan-1"]),
    ],
)
async def test_what_is_found(some: Database, wanted: dict[str, object], found: list[str]) -> None:
    async with some.connect() as connection:
        asked = AccountFilter.model_validate(wanted)
        assert [each.client_id for each in await accounts_after(connection, "", 10, asked)] == found
        pages: list[str] = []
        while page := await accounts_after(connection, pages[-1] if pages else "", 2, asked):
            pages += [each.client_id for each in page]
        assert pages == found


async def test_names_are_compared_by_code_point(some: Database) -> None:
    async with some.connect() as connection:
        rows = await connection.scalars(sa.text("SELECT client_id FROM service_accounts ORDER BY client_id"))
        names = list(rows)
    assert names == sorted(names)


async def test_a_page_is_one_statement_however_long(some: Database) -> None:
    statements: list[str] = []
    async with some.connect() as connection:
        sync = connection.sync_connection
        assert sync is not None
        sa.event.listen(sync, "before_cursor_execute", lambda *told: statements.append(told[2]))
        assert len(await accounts_after(connection, "", 10, AccountFilter())) == 6
    assert len(statements) == 1
