"""`/api/v1/auth/refresh`, `/api/v1/auth/logout`, `/api/v1/auth/password`."""

import httpx
import pytest

from artstore_kit.testing.patience import eventually

AUTH = "/api/v1/auth"
ANOTHER = "seven otters juggle lanterns"
MADE_UP = "A" * 43


@pytest.fixture
async def begun(client: httpx.AsyncClient, password: str) -> dict[str, str]:
    """What a login has answered."""
    answer = await client.post(f"{AUTH}/login", json={"username": "admin", "password": password})
    begun: dict[str, str] = answer.raise_for_status().json()
    return begun


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(f"{AUTH}/refresh", json={"refresh_token": token})


async def test_a_session_goes_on(client: httpx.AsyncClient, begun: dict[str, str]) -> None:
    answer = await refresh(client, begun["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == begun.keys()
    assert answer.json()["session_id"] == begun["session_id"]
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get("/api/v1/service-accounts", headers=bearer)).status_code == 200


async def test_leaving_ends_it(client: httpx.AsyncClient, begun: dict[str, str]) -> None:
    for token in (begun["refresh_token"], begun["refresh_token"], MADE_UP):
        answer = await client.post(f"{AUTH}/logout", json={"refresh_token": token})
        assert (answer.status_code, answer.content) == (204, b"")
    answer = await refresh(client, begun["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_the_access_tokens_of_an_ended_session_end_too(client: httpx.AsyncClient, begun: dict[str, str]) -> None:
    async def is_refused() -> bool:
        bearer = {"Authorization": f"Bearer {begun['access_token']}"}
        return (await client.get("/api/v1/service-accounts", headers=bearer)).status_code == 401

    assert not await is_refused()
    await client.post(f"{AUTH}/logout", json={"refresh_token": begun["refresh_token"]})
    await eventually(is_refused)


async def test_a_token_that_nobody_gave(client: httpx.AsyncClient) -> None:
    answer = await refresh(client, MADE_UP)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_unknown")


@pytest.mark.parametrize("path", ["refresh", "logout"])
@pytest.mark.parametrize("wrong", [{}, {"refresh_token": ""}, {"refresh_token": "a b" * 20}, {"refresh_token": None}])
async def test_bodies_without_a_token(client: httpx.AsyncClient, path: str, wrong: object) -> None:
    answer = await client.post(f"{AUTH}/{path}", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize(
    ("new", "reason"),
    [("short", "shorter"), ("password1234", "easily"), (None, "old one"), ("admin artstore", "easily")],
)
async def test_weak_passwords_are_refused(
    client: httpx.AsyncClient, password: str, new: str | None, reason: str
) -> None:
    change = {"username": "admin", "old_password": password, "new_password": new or password}
    answer = await client.post(f"{AUTH}/password", json=change)
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert reason in answer.json()["detail"]


async def test_a_change_needs_the_old_password(client: httpx.AsyncClient) -> None:
    change = {"username": "admin", "old_password": "wrong", "new_password": ANOTHER}
    answer = await client.post(f"{AUTH}/password", json=change)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")


async def test_a_change_ends_all_sessions_but_the_own(
    client: httpx.AsyncClient, begun: dict[str, str], password: str
) -> None:
    own = (await client.post(f"{AUTH}/login", json={"username": "admin", "password": password})).json()
    change = {"username": "admin", "old_password": password, "new_password": ANOTHER}
    answer = await client.post(f"{AUTH}/password", json=change | {"refresh_token": own["refresh_token"]})
    assert answer.status_code == 204
    assert (await refresh(client, begun["refresh_token"])).json()["code"] == "session_ended"
    assert (await refresh(client, own["refresh_token"])).status_code == 200
