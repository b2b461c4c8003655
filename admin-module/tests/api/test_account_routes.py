"""`/api/v1/service-accounts`."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.paging import encode_cursor

PATH = "/api/v1/service-accounts"
READ_HR = {"collection": "hr/*", "actions": ["read"]}
type Headers = dict[str, str]


def new(client_id: str, **more: object) -> dict[str, object]:
    return {"client_id": client_id, "scopes": ["files:read"], "grants": [READ_HR], **more}


async def headers_of(client: httpx.AsyncClient, account: dict[str, str]) -> Headers:
    auth = httpx.BasicAuth(account["client_id"], account["client_secret"])
    answer = await client.post("/api/v1/auth/token", data={"grant_type": "client_credentials"}, auth=auth)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_an_account_is_made_and_can_get_tokens(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    made = await client.post(PATH, json=new("scanner", description="Отдел кадров"), headers=as_administrator)
    assert made.status_code == 201
    assert made.headers["location"] == f"{PATH}/scanner"
    assert made.headers["cache-control"] == "no-store"
    account = made.json()
    secret = account.pop("client_secret")
    assert len(secret) == 43
    assert account == {
        "client_id": "scanner",
        "description": "Отдел кадров",
        "roles": [],
        "scopes": ["files:read"],
        "grants": [READ_HR],
        "jwks": None,
        "token_requests_per_minute": None,
        "system": False,
        "state": "active",
        "revision": 1,
        "created_at": account["created_at"],
        "secret_expires_at": account["secret_expires_at"],
    }
    expiry = datetime.fromisoformat(account["secret_expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < expiry <= timedelta(days=90)
    assert await headers_of(client, {"client_id": "scanner", "client_secret": secret})
    shown = await client.get(f"{PATH}/scanner", headers=as_administrator)
    assert shown.json() == account


async def test_the_secret_is_shown_once(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    made = await client.post(PATH, json=new("secretive"), headers=as_administrator)
    secret = made.json()["client_secret"]
    for path in (f"{PATH}/secretive", PATH, "/metrics"):
        assert secret not in (await client.get(path, headers=as_administrator)).text


async def test_a_name_is_taken_once(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    await client.post(PATH, json=new("twice"), headers=as_administrator)
    for taken in ("twice", "query-module", "admin"):
        answer = await client.post(PATH, json=new(taken), headers=as_administrator)
        assert (answer.status_code, answer.json()["code"]) == (409, "account_exists")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "A"},
        {"client_id": "a"},
        {"client_id": "a" * 64},
        {"client_id": "a\x00b"},
        {"client_id": None},
        {"description": "x" * 501},
        {"description": "a\x00b"},
        {"scopes": ["files:burn"]},
        {"scopes": "files:read"},
        {"grants": [{"collection": "a b", "actions": ["read"]}]},
        {"grants": [{"collection": "a", "actions": ["burn"]}]},
        {"grants": [{"collection": "a\x00", "actions": ["read"]}]},
        {"grants": [READ_HR] * 101},
        {"grants": [{"collection": "x" * 128, "actions": ["read"]}] * 50},
        {"system": True},
        {"client_secret": "mine"},
    ],
)
async def test_accounts_that_are_wrong(
    client: httpx.AsyncClient, as_administrator: Headers, wrong: dict[str, object]
) -> None:
    answer = await client.post(PATH, json=new("wrong") | wrong, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


async def test_nobody_gives_what_they_do_not_hold(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    scopes = ["accounts:write", "files:read"]
    made = await client.post(PATH, json=new("giver", scopes=scopes), headers=as_administrator)
    headers = await headers_of(client, made.json())
    for given, status, code in (
        (new("given-1"), 201, None),
        (new("given-2", grants=[{"collection": "hr/2026", "actions": ["read"]}]), 201, None),
        (new("given-3", scopes=["files:delete"]), 403, "scope_missing"),
        (new("given-4", scopes=list(Scope)), 403, "scope_missing"),
        (new("given-5", grants=[{"collection": "*", "actions": ["read"]}]), 403, "grant_missing"),
        (new("given-6", grants=[{"collection": "hr/*", "actions": ["read", "write"]}]), 403, "grant_missing"),
    ):
        answer = await client.post(PATH, json=given, headers=headers)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (await client.get(f"{PATH}/given-3", headers=as_administrator)).status_code == 404


async def test_a_narrowed_token_gives_no_more_than_it_holds(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    made = await client.post(PATH, json=new("narrow", scopes=list(Scope)), headers=as_administrator)
    auth = httpx.BasicAuth("narrow", made.json()["client_secret"])
    form = {"grant_type": "client_credentials", "scope": "accounts:write"}
    token = (await client.post("/api/v1/auth/token", data=form, auth=auth)).json()["access_token"]
    answer = await client.post(PATH, json=new("narrower"), headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_who_may_not_see_or_make_accounts(client: httpx.AsyncClient, as_element: Headers) -> None:
    for answer in (
        await client.post(PATH, json=new("sneaky"), headers=as_element),
        await client.get(PATH, headers=as_element),
        await client.get(f"{PATH}/query-module", headers=as_element),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_unknown_accounts(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    answer = await client.get(f"{PATH}/nobody", headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (404, "account_unknown")


async def test_pages_hold_every_account_once(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    for number in range(5):
        await client.post(PATH, json=new(f"paged-{number}"), headers=as_administrator)
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(PATH, params={"limit": 2, "cursor": cursor}, headers=as_administrator)
        assert len(answer.json()["items"]) <= 2
        names += [account["client_id"] for account in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
    whole = (await client.get(PATH, params={"limit": 1000}, headers=as_administrator)).json()
    assert names == [account["client_id"] for account in whole["items"]]
    assert len(set(names)) == len(names) >= 8
    assert whole["next_cursor"] is None


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", ""])
async def test_limits_that_are_wrong(client: httpx.AsyncClient, as_administrator: Headers, limit: str) -> None:
    answer = await client.get(PATH, params={"limit": limit}, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!!",
        "ф",
        encode_cursor(1),
        encode_cursor(None),
        encode_cursor("a\x00b"),
        encode_cursor("a", "b"),
        "W1tb" * 900,
    ],
)
async def test_cursors_of_others(client: httpx.AsyncClient, as_administrator: Headers, cursor: str) -> None:
    answer = await client.get(PATH, params={"cursor": cursor}, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
