"""RFC 7662, OAuth 2.0 Token Introspection."""

import time

import httpx
import jwt
import pytest

from admin_module.factory import Services
from artstore_kit.testing.oauth import AUTH, Desk, refused
from artstore_kit.testing.tokens import TokenMint

INTROSPECT = f"{AUTH}/introspect"


async def test_2_1_only_post(desk: Desk) -> None:
    """The resource calls the endpoint by POST."""
    assert (await desk.http.get(INTROSPECT, params=desk.proof("inspector") | {"token": "x"})).status_code == 405


async def test_2_1_the_token_is_required(desk: Desk) -> None:
    """token is required."""
    refused(await desk.http.post(INTROSPECT, data=desk.proof("inspector")), 400, "invalid_request")


async def test_2_1_whoever_asks_is_authorized(desk: Desk) -> None:
    """To prevent token scanning the endpoint must require some form of authorization."""
    token = await desk.token()
    refused(await desk.http.post(INTROSPECT, data={"token": token}), 401, "invalid_client")
    answer = await desk.http.post(INTROSPECT, data=desk.proof("scanner") | {"token": token})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("hint", ["refresh_token", "something else"])
async def test_2_1_a_wrong_hint_does_not_matter(desk: Desk, hint: str) -> None:
    """A server that does not find the token by the hint must search all of its token types."""
    assert (await desk.inspect(await desk.token(), token_type_hint=hint)).json()["active"]


async def test_2_2_the_answer_is_json_and_says_whether_it_is_active(desk: Desk) -> None:
    """The server responds with a JSON object, in which active is required and boolean."""
    answer = await desk.inspect(await desk.token())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["active"] is True


async def test_2_2_the_members_say_what_the_token_says(desk: Desk) -> None:
    """scope, client_id, token_type, exp, iat, sub, aud, iss and jti are those of the token."""
    token = await desk.token()
    claims = jwt.decode(token, options={"verify_signature": False})
    state = await desk.state(token)
    assert {name: state[name] for name in claims} == claims
    assert (state["token_type"], "username" in state) == ("Bearer", False)


async def test_2_2_a_persons_token_names_the_person(desk: Desk, as_administrator: dict[str, str]) -> None:
    """username is a human-readable identifier of the resource owner."""
    assert (await desk.state(as_administrator["Authorization"].split()[1]))["username"] == "admin"


async def test_2_1_a_refresh_token_can_be_asked_about(desk: Desk, password: str) -> None:
    """The token parameter is an access token or a refresh token."""
    login = await desk.http.post(f"{AUTH}/login", json={"username": "admin", "password": password})
    shown, now = login.json()["refresh_token"], time.time()
    state = await desk.state(shown)
    assert state["exp"] - now == pytest.approx(login.json()["refresh_expires_in"], abs=5)
    assert state["iat"] == pytest.approx(now, abs=5)
    told = {
        "active": True,
        "client_id": "artstore-login",
        "username": "admin",
        "sub": "admin",
        "iss": "http://admin.test",
    }
    assert state == told | {"exp": state["exp"], "iat": state["iat"]}
    newer = (await desk.http.post(f"{AUTH}/refresh", json={"refresh_token": shown})).json()["refresh_token"]
    assert (await desk.state(newer))["active"]
    await desk.revoke(newer, "inspector")
    for ended in (shown, newer):
        assert await desk.state(ended) == {"active": False}


async def test_2_2_of_an_inactive_token_nothing_more_is_said(desk: Desk) -> None:
    """If the token is not active or does not exist, the server must return active false, and should add nothing."""
    token = await desk.token()
    await desk.revoke(token)
    foreign = TokenMint("http://admin.test").mint("scanner")
    for shown in (token, foreign, "nonsense", "a.b.c", "x" * 12_000, f"{token[:-8]}AAAAAAAA"):
        answer = await desk.inspect(shown)
        assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_2_3_wrong_credentials_are_401(desk: Desk) -> None:
    """If the credentials of the client are invalid, the server responds with 401 as RFC 6749 section 5.2 describes."""
    answer = await desk.http.post(INTROSPECT, data={"token": "x"}, auth=httpx.BasicAuth("inspector", "wrong"))
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def signed(services: Services, **claims: object) -> str:
    """A token with the server's own key."""
    kid, key = await services.keyring._signer()
    now = int(time.time())
    usual = {"iss": "http://admin.test", "aud": "artstore", "sub": "scanner", "client_id": "scanner", "jti": "j"}
    return jwt.encode(
        {**usual, "iat": now, "exp": now + 60, **claims}, key, "RS256", headers={"kid": kid, "typ": "at+jwt"}
    )


@pytest.mark.parametrize(
    ("claims", "active"),
    [
        ({}, True),
        ({"exp": -1}, False),
        ({"nbf": 300}, False),
        ({"iat": 300}, False),
        ({"aud": "another"}, False),
        ({"iss": "http://other.test"}, False),
        ({"jti": None}, False),
    ],
)
async def test_4_all_checks_are_made(desk: Desk, services: Services, claims: dict[str, object], active: bool) -> None:
    """The server must check expiry, not-before, issuer, signature and revocation, as far as they apply."""
    now = int(time.time())
    moved = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
    assert (await desk.state(await signed(services, **moved)))["active"] is active
