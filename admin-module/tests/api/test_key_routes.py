"""Keys are shown, rotated and revoked by those who may."""

import httpx
import jwt

PATH = "/api/v1/keys"


async def keys(client: httpx.AsyncClient, headers: dict[str, str]) -> list[tuple[str, str]]:
    answer = await client.get(PATH, headers=headers)
    assert answer.status_code == 200, answer.text
    return [(key["kid"], key["state"]) for key in answer.json()["items"]]


async def test_keys_are_shown_and_nothing_private(client: httpx.AsyncClient, as_administrator: dict[str, str]) -> None:
    assert [state for _, state in await keys(client, as_administrator)] == ["current", "next"]
    document = (await client.get("/.well-known/jwks.json")).json()
    assert [key["kid"] for key in document["keys"]] == [kid for kid, _ in await keys(client, as_administrator)]
    shown = (await client.get(PATH, headers=as_administrator)).json()["items"][0]
    assert set(shown) == {"kid", "state", "published_at", "not_before", "retired_at", "revoked_at"}


async def test_a_rotation_waits_for_the_services(client: httpx.AsyncClient, as_administrator: dict[str, str]) -> None:
    before = (await client.get(PATH, headers=as_administrator)).json()["items"]
    after = (await client.post(f"{PATH}/rotate", headers=as_administrator)).json()["items"]
    assert [(key["kid"], key["state"]) for key in after] == [(key["kid"], key["state"]) for key in before]
    assert after[1]["not_before"] < before[1]["not_before"]


async def test_whoever_may_not_is_refused(client: httpx.AsyncClient, as_element: dict[str, str]) -> None:
    for method, path in (("GET", PATH), ("POST", f"{PATH}/rotate"), ("POST", f"{PATH}/x/revoke")):
        for headers, status, code in ((as_element, 403, "scope_missing"), ({}, 401, "not_authenticated")):
            answer = await client.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_unknown_key_is_told(client: httpx.AsyncClient, as_administrator: dict[str, str]) -> None:
    answer = await client.post(f"{PATH}/unknown/revoke", headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (404, "key_unknown")


async def test_the_current_key_is_revoked(client: httpx.AsyncClient, fleet: dict[str, str], password: str) -> None:
    """Whoever does it is logged out by it."""
    login = {"username": "admin", "password": password}
    token = (await client.post("/api/v1/auth/login", json=login)).json()["access_token"]
    headers, kid = {"Authorization": f"Bearer {token}"}, jwt.get_unverified_header(token)["kid"]
    answer = await client.post(f"{PATH}/{kid}/revoke", headers=headers)
    states = {key["kid"]: key["state"] for key in answer.json()["items"]}
    assert (answer.status_code, states[kid]) == (200, "revoked")
    assert sorted(states.values())[:2] == ["current", "next"]
    form, auth = {"grant_type": "client_credentials"}, httpx.BasicAuth("query-module", fleet["query-module"])
    new = (await client.post("/api/v1/auth/token", data=form, auth=auth)).json()["access_token"]
    assert states[jwt.get_unverified_header(new)["kid"]] == "current"
