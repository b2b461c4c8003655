"""`POST /api/v1/auth/login`."""

import httpx
import jwt
import pytest

from artstore_kit.contracts.identity import Scope

PATH = "/api/v1/auth/login"


async def test_an_administrator_gets_a_token_with_every_right(client: httpx.AsyncClient, password: str) -> None:
    answer = await client.post(PATH, json={"username": "admin", "password": password})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"], claims["roles"]) == ("admin", "artstore-login", ["super_admin"])
    assert set(claims["scope"].split()) == set(Scope) == set(answer.json()["scope"].split())
    assert claims["grants"] == [{"collection": "*", "actions": ["delete", "read", "write"]}]
    assert claims["sid"] == answer.json()["session_id"]


async def test_wrong_names_and_passwords_are_told_alike(client: httpx.AsyncClient, password: str) -> None:
    bodies = []
    for given in ({"username": "admin", "password": "wrong"}, {"username": "nobody", "password": password}):
        answer = await client.post(PATH, json=given)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        bodies.append({**answer.json(), "request_id": ""})
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "bad_credentials"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"username": "admin"},
        {"username": "", "password": "x"},
        {"username": "ad\x00min", "password": "x"},
        {"username": "a" * 65, "password": "x"},
        {"username": "admin", "password": ""},
        {"username": "admin", "password": "x" * 1025},
        {"username": ["admin"], "password": "x"},
        {"username": "admin", "password": "x", "role": "administrator"},
        {"username": "admin", "password": "x", "code": "12 45"},
        {"username": "admin", "password": "x", "code": "х" * 6},
        [],
        "admin",
    ],
)
async def test_bodies_that_are_no_credentials(client: httpx.AsyncClient, given: object) -> None:
    answer = await client.post(PATH, json=given)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert "x" * 1025 not in answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"username": "admin", "password": "\\ud800"}'])
async def test_bodies_that_are_no_json(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await client.post(PATH, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] in {"bad_request", "invalid_fields"}


async def test_the_sixth_attempt_is_told_of_the_lock(client: httpx.AsyncClient, password: str) -> None:
    """Last of this module: afterwards nobody can log in."""
    for _ in range(5):
        answer = await client.post(PATH, json={"username": "admin", "password": "wrong"})
    for given in ("wrong", password):
        answer = await client.post(PATH, json={"username": "admin", "password": given})
        assert (answer.status_code, answer.json()["code"]) == (403, "account_locked")
        assert 880 < int(answer.headers["retry-after"]) <= 901
