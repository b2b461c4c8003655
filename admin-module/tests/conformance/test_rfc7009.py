"""RFC 7009, OAuth 2.0 Token Revocation. Programs have access tokens only; there is no refresh token to revoke."""

import httpx
import pytest

from artstore_kit.testing.oauth import AUTH, Desk, refused
from artstore_kit.testing.patience import eventually

REVOKE = f"{AUTH}/revoke"


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
