"""Reads and refusals of the admin module are in its own log, by way of its own spool, each once."""

from typing import Any

import httpx
import pytest

from artstore_kit.testing.patience import eventually

TOKEN = "/api/v1/auth/token"
type Headers = dict[str, str]


async def told(client: httpx.AsyncClient, headers: Headers, request_id: str) -> dict[str, Any]:
    """The one entry of a request, as soon as there is one."""

    async def found() -> list[dict[str, Any]]:
        asked = {"limit": 1000}
        items = (await client.get("/api/v1/audit/entries", params=asked, headers=headers)).json()["items"]
        return [item["entry"] for item in items if item["entry"]["request_id"] == request_id]

    async def some() -> bool:
        return bool(await found())

    await eventually(some)
    (entry,) = await found()
    return entry


async def asks_for_a_token(client: httpx.AsyncClient, request_id: str, client_id: str, secret: str) -> int:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return (await client.post(TOKEN, data=form, headers={"X-Request-ID": request_id})).status_code


async def test_a_token_that_was_given_is_told(
    client: httpx.AsyncClient, as_administrator: Headers, fleet: dict[str, str]
) -> None:
    assert await asks_for_a_token(client, "given", "query-module", fleet["query-module"]) == 200
    entry = await told(client, as_administrator, "given")
    assert (entry["action"], entry["outcome"]) == ("token.issue", "done")
    assert (entry["actor"], entry["resource"]) == ("query-module", "account:query-module")
    assert fleet["query-module"] not in str(entry)


async def test_a_token_that_was_refused_is_told_without_the_secret(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    assert await asks_for_a_token(client, "refused", "query-module", "a-wrong-secret") == 401
    entry = await told(client, as_administrator, "refused")
    assert (entry["actor"], entry["resource"], entry["code"]) == ("", "account:query-module", "invalid_client")
    assert "a-wrong-secret" not in str(entry)


async def test_a_secret_in_the_place_of_a_name_is_not_told(
    client: httpx.AsyncClient, as_administrator: Headers
) -> None:
    assert await asks_for_a_token(client, "early", "Zq7-A secret, typed too early", "x") == 401
    assert (await told(client, as_administrator, "early"))["resource"] == ""


async def test_a_login_that_failed_has_one_entry(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    wrong = {"username": "admin", "password": "not the password"}
    answer = await client.post("/api/v1/auth/login", json=wrong, headers={"X-Request-ID": "login"})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    entry = await told(client, as_administrator, "login")
    assert (entry["action"], entry["resource"]) == ("administrator.login", "administrator:admin")
    assert (entry["outcome"], entry["actor"]) == ("refused", "")


async def test_whose_session_goes_on_is_told(
    client: httpx.AsyncClient, as_administrator: Headers, password: str
) -> None:
    login = {"username": "admin", "password": password}
    begun = (await client.post("/api/v1/auth/login", json=login)).json()
    for request_id, outcome in (("goes-on", "done"), ("goes-on-no-more", "refused")):
        refresh, headers = {"refresh_token": begun["refresh_token"]}, {"X-Request-ID": request_id}
        await client.post("/api/v1/auth/refresh", json=refresh, headers=headers)
        entry = await told(client, as_administrator, request_id)
        assert (entry["actor"], entry["client_id"], entry["outcome"]) == ("admin", "artstore-login", outcome)
        assert (entry["action"], entry["resource"]) == ("administrator.refresh", "administrator:admin")
        await client.post("/api/v1/auth/logout", json=refresh)


async def test_reading_accounts_is_told(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    headers = {**as_administrator, "X-Request-ID": "looking"}
    assert (await client.get("/api/v1/service-accounts/query-module", headers=headers)).status_code == 200
    entry = await told(client, as_administrator, "looking")
    assert (entry["actor"], entry["action"]) == ("admin", "account.read")
    assert (entry["service"], entry["resource"]) == ("admin-module", "account:query-module")


async def test_reading_the_log_is_told(client: httpx.AsyncClient, as_administrator: Headers) -> None:
    headers = {**as_administrator, "X-Request-ID": "curious"}
    assert (await client.get("/api/v1/audit/entries", headers=headers)).status_code == 200
    entry = await told(client, as_administrator, "curious")
    assert (entry["actor"], entry["action"], entry["resource"]) == ("admin", "audit.read", "audit")


@pytest.mark.parametrize("path", ["export", "export?format=csv", "leaves"])
async def test_taking_the_log_away_is_told(client: httpx.AsyncClient, as_administrator: Headers, path: str) -> None:
    request_id = path.replace("?format=", "-")
    headers = {**as_administrator, "X-Request-ID": request_id}
    assert (await client.get(f"/api/v1/audit/{path}", headers=headers)).status_code == 200
    entry = await told(client, as_administrator, request_id)
    assert (entry["actor"], entry["action"], entry["resource"]) == ("admin", "audit.export", "audit")
    assert entry["outcome"] == "done"


async def test_whoever_lacks_the_right_is_told(
    client: httpx.AsyncClient, as_administrator: Headers, as_element: Headers
) -> None:
    headers = {**as_element, "X-Request-ID": "prying"}
    answer = await client.get("/api/v1/audit/entries", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    entry = await told(client, as_administrator, "prying")
    assert (entry["actor"], entry["code"]) == ("storage-element", "scope_missing")
