"""RFC 9068, JWT Profile for OAuth 2.0 Access Tokens: what whoever issues them must do.

That services refuse what section 4 says they must is tested with each service.
"""

import time
from typing import Any

import httpx
import jwt
import pytest

from artstore_kit.testing.oauth import Desk


async def claims(desk: Desk, name: str = "scanner", **form: str) -> dict[str, Any]:
    return jwt.decode(await desk.token(name, **form), options={"verify_signature": False})


async def test_2_1_tokens_are_signed_with_rs256(desk: Desk) -> None:
    """Tokens must be signed, must not use none, and RS256 must be supported."""
    token = await desk.token()
    header = jwt.get_unverified_header(token)
    keys = {key["kid"]: key for key in (await desk.http.get("/.well-known/jwks.json")).json()["keys"]}
    assert header["alg"] == "RS256"
    assert jwt.decode(token, jwt.PyJWK(keys[header["kid"]]), ["RS256"], audience="artstore")


async def test_2_1_the_type_is_at_jwt(desk: Desk) -> None:
    """The typ header must be at+jwt, so that other JWTs are not taken for access tokens."""
    assert jwt.get_unverified_header(await desk.token())["typ"] == "at+jwt"


@pytest.mark.parametrize("claim", ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"])
async def test_2_2_each_required_claim_is_there(desk: Desk, claim: str) -> None:
    """iss, exp, aud, sub, client_id, iat and jti are required."""
    assert (await claims(desk))[claim]


async def test_2_2_the_issuer_is_that_of_the_metadata(desk: Desk) -> None:
    """iss is the issuer of the authorization server, as its metadata tell it (section 4)."""
    metadata = (await desk.http.get("/.well-known/oauth-authorization-server")).json()
    assert (await claims(desk))["iss"] == metadata["issuer"]


async def test_2_2_without_an_end_user_the_subject_is_the_client(desk: Desk) -> None:
    """Where no resource owner is involved, sub identifies the client application."""
    told = await claims(desk)
    assert (told["sub"], told["client_id"]) == ("scanner", "scanner")


async def test_2_2_the_times_are_now(desk: Desk) -> None:
    """iat is when it was issued, exp when it ends."""
    told = await claims(desk)
    assert abs(told["iat"] - time.time()) < 5
    assert told["exp"] - told["iat"] == 900


async def test_2_2_each_token_has_a_name_of_its_own(desk: Desk) -> None:
    """jti is a unique identifier of the token."""
    assert len({(await claims(desk))["jti"] for _ in range(5)}) == 5


async def test_2_2_3_the_scope_is_what_was_given(desk: Desk) -> None:
    """If scope was asked for, the token should have a scope claim, of scopes that mean something to its audience."""
    assert (await claims(desk, scope="files:read"))["scope"] == "files:read"


async def test_3_without_a_resource_there_is_a_default_audience(desk: Desk) -> None:
    """If the request does not name a resource, the server must use a default resource indicator as aud."""
    assert (await claims(desk))["aud"] == "artstore"


async def test_5_programs_and_people_cannot_be_mistaken(
    client: httpx.AsyncClient, as_administrator: dict[str, str]
) -> None:
    """Servers should keep a client from having a client_id that could be taken for the sub of a person."""
    new = {"client_id": "admin", "scopes": []}
    answer = await client.post("/api/v1/service-accounts", json=new, headers=as_administrator)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_exists")
