"""RFC 7009, OAuth 2.0 Token Revocation: access tokens of programs and people, refresh tokens of people."""

import httpx
import pytest

from admin_module.domain.audit_filters import Filters
from admin_module.factory import Services
from artstore_kit.testing.oauth import AUTH, Desk, refused
from artstore_kit.testing.patience import eventually

REVOKE = f"{AUTH}/revoke"


@pytest.fixture
async def session(desk: Desk, password: str) -> dict[str, str]:
    """What a person's login has answered."""
    answer = await desk.http.post(f"{AUTH}/login", json={"username": "admin", "password": password})
    session: dict[str, str] = answer.raise_for_status().json()
    return session


async def refreshed(desk: Desk, token: str) -> httpx.Response:
    return await desk.http.post(f"{AUTH}/refresh", json={"refresh_token": token})


async def test_2_the_address_has_no_fragment(desk: Desk) -> None:
    """The endpoint URL conforms to the rules of RFC 6749 section 3.1: it must not include a fragment."""
    metadata = (await desk.http.get("/.well-known/oauth-authorization-server")).json()
    assert httpx.URL(metadata["revocation_endpoint"]).path == REVOKE
    assert httpx.URL(metadata["revocation_endpoint"]).fragment == ""


async def test_2_access_tokens_can_be_revoked(desk: Desk) -> None:
    """Implementations should support the revocation of access tokens."""
    token = await desk.token()
    assert (await desk.state(token))["active"]
    assert (await desk.revoke(token)).status_code == 200
    assert await desk.state(token) == {"active": False}


@pytest.mark.parametrize("form", [{}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "access_token"}])
async def test_2_refresh_tokens_can_be_revoked(desk: Desk, session: dict[str, str], form: dict[str, str]) -> None:
    """Implementations must support the revocation of refresh tokens."""
    answer = await desk.revoke(session["refresh_token"], "inspector", **form)
    assert (answer.status_code, answer.content) == (200, b"")
    told = await refreshed(desk, session["refresh_token"])
    assert (told.status_code, told.json()["code"]) == (401, "session_ended")


async def test_2_1_with_a_refresh_token_the_access_tokens_of_its_grant_end(desk: Desk, session: dict[str, str]) -> None:
    """If it is a refresh token, the server should also invalidate all access tokens based on the same grant."""
    newer = (await refreshed(desk, session["refresh_token"])).json()
    assert (await desk.revoke(newer["refresh_token"], "inspector")).status_code == 200
    for token in (session["access_token"], newer["access_token"]):
        assert await desk.state(token) == {"active": False}


async def test_2_1_a_client_that_may_not_learns_nothing_of_a_refresh_token(desk: Desk, session: dict[str, str]) -> None:
    """It was not issued to this client: it is answered as a token that nobody has, and goes on."""
    for shown in (session["refresh_token"], "A" * len(session["refresh_token"])):
        answer = await desk.revoke(shown, "scanner", token_type_hint="refresh_token")
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await refreshed(desk, session["refresh_token"])).status_code == 200


async def test_a_revoked_refresh_token_is_told_once(desk: Desk, session: dict[str, str], services: Services) -> None:
    """As the end of a session by whoever revoked it; a token that was revoked already ends nothing."""
    for _ in range(2):
        assert (await desk.revoke(session["refresh_token"], "inspector")).status_code == 200
    found = await services.audit_search.page(Filters(action="session.end", client_id="inspector"), None, 10)
    (told,) = [each.entry for each in found if each.entry.detail["session_id"] == session["session_id"]]
    assert (told.actor, told.resource) == ("inspector", "administrator:admin")


async def test_2_1_the_token_is_required(desk: Desk) -> None:
    """token is required."""
    refused(await desk.http.post(REVOKE, data=desk.proof()), 400, "invalid_request")


async def test_2_1_only_post(desk: Desk) -> None:
    """The client requests the revocation by POST."""
    assert (await desk.http.get(REVOKE, params=desk.proof() | {"token": "x"})).status_code == 405


async def test_2_1_the_client_is_authenticated_first(desk: Desk) -> None:
    """The server first validates the client credentials."""
    token = await desk.token()
    wrong = {"client_id": "scanner", "client_secret": "wrong", "token": token}
    refused(await desk.http.post(REVOKE, data=wrong), 401, "invalid_client")
    refused(await desk.http.post(REVOKE, data={"token": token}), 401, "invalid_client")
    assert (await desk.state(token))["active"]


async def test_2_1_a_token_of_another_client_is_refused(desk: Desk) -> None:
    """The server verifies that the token was issued to the client; if not, it refuses and says so."""
    token = await desk.token("inspector")
    refused(await desk.revoke(token, "scanner"), 400, "unauthorized_client")
    assert (await desk.state(token))["active"]


async def test_who_holds_tokens_revoke_may_revoke_those_of_others(desk: Desk) -> None:
    token = await desk.token("scanner")
    assert (await desk.revoke(token, "inspector")).status_code == 200
    assert await desk.state(token) == {"active": False}


async def test_2_1_it_holds_at_once(desk: Desk) -> None:
    """The invalidation takes place immediately; the token cannot be used again."""
    token = await desk.token("inspector")
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await desk.http.get("/api/v1/elements", headers=bearer)).json()["code"] == "scope_missing"
    await desk.revoke(token, "inspector")
    assert await desk.state(token) == {"active": False}

    async def refuses() -> bool:
        return bool((await desk.http.get("/api/v1/elements", headers=bearer)).status_code == 401)

    await eventually(refuses)  # this service reads its list each second, others each 20


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "something else"])
async def test_2_1_a_wrong_hint_does_not_matter(desk: Desk, hint: str) -> None:
    """A server that does not find the token by the hint must search all types; an invalid hint is ignored (2.2)."""
    token = await desk.token()
    assert (await desk.revoke(token, token_type_hint=hint)).status_code == 200
    assert await desk.state(token) == {"active": False}


async def test_2_2_what_is_revoked_already_or_was_never_a_token_is_200(desk: Desk) -> None:
    """The server responds with 200 if the token was revoked, or if the client submitted an invalid token."""
    token = await desk.token()
    for shown in (token, token, f"{token[:-8]}AAAAAAAA", "nonsense", "a.b.c"):
        answer = await desk.revoke(shown)
        assert (answer.status_code, answer.content) == (200, b"")


async def test_2_2_1_errors_are_those_of_rfc_6749(desk: Desk) -> None:
    """The error presentation is that of section 5.2 of RFC 6749."""
    body = f"token=a&token=b&client_id=scanner&client_secret={desk.secrets['scanner']}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(await desk.http.post(REVOKE, content=body, headers=headers), 400, "invalid_request")
