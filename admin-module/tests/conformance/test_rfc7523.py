"""RFC 7523, JWT Profile for OAuth 2.0 Client Authentication, with the parts of RFC 7521 that it stands on."""

import time
from typing import Any

import pytest

from artstore_kit.testing.client_keys import ClientKey, client_key
from artstore_kit.testing.oauth import AUTH, GRANT, Desk, refused

ISSUER = "http://admin.test"
KEY = client_key("RS256")
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def refusal_of(desk: Desk, audience: object = ISSUER, **claims: Any) -> None:
    """What section 3.2 says of it: the error must be invalid_client."""
    refused(await desk.assert_with(KEY.assertion("scanner", audience, **claims)), 401, "invalid_client")


async def test_2_2_the_type_of_the_assertion(desk: Desk) -> None:
    """client_assertion_type is the URN of this profile."""
    assertion = KEY.assertion("scanner", ISSUER)
    form = GRANT | {"client_assertion": assertion, "client_assertion_type": JWT_BEARER.replace("jwt", "saml2")}
    refused(await desk.http.post(f"{AUTH}/token", data=form), 401, "invalid_client")
    form["client_assertion_type"] = JWT_BEARER
    assert (await desk.http.post(f"{AUTH}/token", data=form)).status_code == 200


async def test_2_2_one_jwt_only(desk: Desk) -> None:
    """client_assertion contains a single JWT; it must not contain more than one."""
    one, two = (KEY.assertion("scanner", ISSUER) for _ in "12")
    for several in (f"{one} {two}", f"{one},{two}", f"{one}.{two}"):
        refused(await desk.assert_with(several), 401, "invalid_client")


async def test_7521_4_2_the_client_id_beside_it_is_the_same(desk: Desk) -> None:
    """client_id is unnecessary, but if it is there it must identify the same client as the assertion does."""
    refused(await desk.assert_with(KEY.assertion("scanner", ISSUER), client_id="inspector"), 401, "invalid_client")
    assert (await desk.assert_with(KEY.assertion("scanner", ISSUER), client_id="scanner")).status_code == 200
    assert (await desk.assert_with(KEY.assertion("scanner", ISSUER))).status_code == 200


async def test_3_1_the_issuer(desk: Desk) -> None:
    """The JWT must contain an iss that identifies who issued it."""
    await refusal_of(desk, iss=None)
    await refusal_of(desk, iss="inspector")


async def test_3_2_the_subject_is_the_client(desk: Desk) -> None:
    """The JWT must contain a sub; for client authentication it must be the client_id."""
    await refusal_of(desk, sub=None)
    await refusal_of(desk, sub="inspector")
    await refusal_of(desk, sub="inspector", iss="inspector")  # not the key of that client


async def test_3_3_the_audience_is_this_server(desk: Desk) -> None:
    """The JWT must contain an aud; the server must reject one that does not contain its own identity."""
    for wrong in (None, "https://other.test", ["https://other.test"], ISSUER.upper()):
        await refusal_of(desk, wrong)
    for right in (ISSUER, "https://store.test/api/v1/auth/token", ["https://other.test", ISSUER]):
        assert (await desk.assert_with(KEY.assertion("scanner", right))).status_code == 200


async def test_3_4_the_end(desk: Desk) -> None:
    """The JWT must contain an exp; one that has passed must be rejected, one unreasonably far ahead may be."""
    await refusal_of(desk, exp=None)
    await refusal_of(desk, exp=int(time.time()) - 61)
    await refusal_of(desk, exp=int(time.time()) + 3600 + 120)


async def test_3_5_not_before(desk: Desk) -> None:
    """A JWT with nbf must not be accepted before that time."""
    await refusal_of(desk, nbf=int(time.time()) + 120)


async def test_3_7_it_is_used_once(desk: Desk) -> None:
    """The server may ensure that JWTs are not replayed by keeping the jti; here it must be there, and is good once."""
    await refusal_of(desk, jti=None)
    assertion = KEY.assertion("scanner", ISSUER)
    assert (await desk.assert_with(assertion)).status_code == 200
    refused(await desk.assert_with(assertion), 401, "invalid_client")


async def test_3_9_the_signature_is_valid(desk: Desk) -> None:
    """The JWT must be signed; the server must reject one with an invalid signature."""
    head, claims, _ = KEY.assertion("scanner", ISSUER).split(".")
    stranger = ClientKey("RS256", client_key("RS256", "stranger").private_key).assertion("scanner", ISSUER)
    for forged in (stranger, f"{head}.{claims}.", f"{head}.{claims}.{stranger.split('.')[2]}"):
        refused(await desk.assert_with(forged), 401, "invalid_client")


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "{}", "e30.e30.e30"])
async def test_3_10_it_is_a_valid_jwt(desk: Desk, assertion: str) -> None:
    """The server must reject a JWT that is not valid in all other respects (an empty parameter is a missing one)."""
    answer = await desk.assert_with(assertion)
    refused(answer, *((401, "invalid_client") if assertion else (400, "invalid_request")))


async def test_5_rs256_is_implemented(desk: Desk) -> None:
    """RS256 is mandatory to implement."""
    assert (await desk.assert_with(KEY.assertion("scanner", ISSUER))).status_code == 200
