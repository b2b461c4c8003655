"""`/api/v1/access/explain`."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from admin_module.adapters.tables.accounts import account_secrets
from admin_module.adapters.tables.administrators import administrators
from admin_module.factory import Services

PATH = "/api/v1/access/explain"
ACCOUNTS = "/api/v1/service-accounts"
READ_HR = {"collection": "hr/*", "actions": ["read"]}
type Headers = dict[str, str]


@pytest.fixture(scope="module")
async def as_reader(client: httpx.AsyncClient, as_administrator: Headers) -> Headers:
    """An account that may read hr, by a role and by itself, and see nothing else."""
    role = {"name": "clerk", "scopes": ["files:read"], "grants": [READ_HR]}
    await client.post("/api/v1/roles", json=role, headers=as_administrator)
    account = {"client_id": "reader", "roles": ["clerk"], "scopes": ["files:write"], "grants": [READ_HR]}
    made = (await client.post(ACCOUNTS, json=account, headers=as_administrator)).json()
    auth = httpx.BasicAuth("reader", made["client_secret"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def asked(client: httpx.AsyncClient, headers: Headers, **question: object) -> dict[str, Any]:
    answer = await client.post(PATH, json=question, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def reasons(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(reason["code"], reason["source"]) for reason in answer["reasons"]]


async def test_everybody_may_ask_about_themselves(client: httpx.AsyncClient, as_reader: Headers) -> None:
    answer = await asked(client, as_reader, subject="reader", action="read", collection="hr/2026")
    assert (answer["subject"], answer["kind"], answer["allowed"]) == ("reader", "service_account", True)
    assert reasons(answer) == [("scope_held", "role:clerk"), ("grant_held", "own"), ("grant_held", "role:clerk")]


async def test_all_that_is_missing_is_told(client: httpx.AsyncClient, as_reader: Headers) -> None:
    answer = await asked(client, as_reader, subject="reader", action="delete", collection="hr/2026")
    assert not answer["allowed"]
    assert reasons(answer) == [("scope_missing", ""), ("grant_missing", "")]
    answer = await asked(client, as_reader, subject="reader", scope="files:write", action="write", collection="hr/1")
    assert reasons(answer) == [("scope_held", "own"), ("grant_missing", "")]


async def test_about_others_it_takes_a_scope(
    client: httpx.AsyncClient, as_reader: Headers, as_administrator: Headers
) -> None:
    question = {"subject": "query-module", "scope": "files:read"}
    refused = await client.post(PATH, json=question, headers=as_reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    answer = await asked(client, as_administrator, **question)
    assert (answer["allowed"], reasons(answer)) == (True, [("scope_held", "own")])


async def test_without_a_token_nothing_is_told(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json={"subject": "reader", "scope": "files:read"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


async def test_what_people_may_only_give(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    answer = await asked(client, as_administrator, subject="admin", scope="fleet:act-for")
    assert (answer["allowed"], reasons(answer)[0]) == (False, ("scope_missing", ""))


async def test_administrators(client: httpx.AsyncClient, as_administrator: Headers, services: Services) -> None:
    answer = await asked(client, as_administrator, subject="admin", scope="keys:export")
    assert (answer["kind"], answer["allowed"]) == ("administrator", True)
    assert reasons(answer) == [("scope_held", "role:super_admin")]
    async with services.access.database.transaction() as connection:
        person = {"username": "eve", "password_hash": "", "roles": ["auditor"], "created_at": sa.func.now()}
        standing = {"suspended": True, "must_change_password": True}
        await connection.execute(administrators.insert().values(**person, **standing))
    for _ in range(5):
        await client.post("/api/v1/auth/login", json={"username": "eve", "password": "wrong"})
    answer = await asked(client, as_administrator, subject="eve", scope="audit:read")
    assert not answer["allowed"]
    against = ["account_suspended", "account_locked", "password_change_required"]
    assert reasons(answer) == [*((code, "") for code in against), ("scope_held", "role:auditor")]


async def test_accounts_that_get_no_token(
    client: httpx.AsyncClient, as_administrator: Headers, services: Services
) -> None:
    await client.post(ACCOUNTS, json={"client_id": "spent", "scopes": ["files:read"]}, headers=as_administrator)
    await client.post(f"{ACCOUNTS}/spent/suspend", headers=as_administrator)
    async with services.access.database.transaction() as connection:
        mine = account_secrets.c.client_id == "spent"
        await connection.execute(account_secrets.update().where(mine).values(expires_at=sa.func.now()))
    answer = await asked(client, as_administrator, subject="spent", scope="files:read")
    assert not answer["allowed"]
    assert reasons(answer) == [("account_suspended", ""), ("account_expired", ""), ("scope_held", "own")]


async def test_unknown_names(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    answer = await asked(client, as_administrator, subject="nobody", scope="files:read")
    assert (answer["kind"], answer["allowed"]) == ("unknown", False)
    assert reasons(answer) == [("account_unknown", ""), ("scope_missing", "")]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"subject": "reader"},
        {"subject": "reader", "scope": "files:burn"},
        {"subject": "reader", "action": "read"},
        {"subject": "a b", "scope": "files:read"},
        {"subject": "reader", "scope": "files:read", "more": 1},
    ],
)
async def test_questions_that_are_wrong(
    client: httpx.AsyncClient, as_administrator: Headers, wrong: dict[str, object]
) -> None:
    answer = await client.post(PATH, json=wrong, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
