"""RFC 6749, The OAuth 2.0 Authorization Framework: the client credentials grant.

That these endpoints are reached over TLS (sections 2.3.1 and 3.2) is a matter of the proxy in front of them.
"""

import re
from base64 import b64encode
from urllib.parse import quote

import httpx
import pytest

from artstore_kit.testing.client_keys import client_key
from artstore_kit.testing.oauth import AUTH, GRANT, Desk, refused

TOKEN = f"{AUTH}/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")


async def test_2_3_more_than_one_method_is_refused(desk: Desk) -> None:
    """The client must not use more than one authentication method in a request."""
    refused(await desk.http.post(TOKEN, data=GRANT | desk.proof(), auth=desk.basic()), 400, "invalid_request")
    asserted = {"client_assertion": client_key("RS256").assertion("scanner", "http://admin.test")}
    for more in (desk.proof(), asserted | desk.proof()):
        body = GRANT | asserted | more | {"client_assertion_type": "x"}
        refused(await desk.http.post(TOKEN, data=body), 400, "invalid_request")


async def test_2_3_1_http_basic_is_supported(desk: Desk) -> None:
    """The server must support HTTP Basic for clients that were issued a password."""
    assert (await desk.http.post(TOKEN, data=GRANT, auth=desk.basic())).status_code == 200


async def test_2_3_1_name_and_password_are_encoded_as_form_fields(desk: Desk) -> None:
    """Identifier and password are encoded by the form algorithm before they become a Basic user and password."""
    pair = ":".join("".join(f"%{ord(c):02X}" for c in each) for each in ("scanner", desk.secrets["scanner"]))
    headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    assert (await desk.http.post(TOKEN, data=GRANT, headers=headers)).status_code == 200


async def test_2_3_1_credentials_in_the_address_do_not_count(desk: Desk) -> None:
    """The parameters must not be included in the request URI."""
    refused(await desk.http.post(TOKEN, data=GRANT, params=desk.proof()), 401, "invalid_client")


async def test_3_2_only_post(desk: Desk) -> None:
    """The client must use POST."""
    for method in ("GET", "PUT", "DELETE"):
        answer = await desk.http.request(method, TOKEN, params=GRANT | desk.proof())
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_3_2_the_address_has_no_fragment(desk: Desk) -> None:
    """The endpoint URI must not include a fragment component."""
    metadata = (await desk.http.get("/.well-known/oauth-authorization-server")).json()
    assert httpx.URL(metadata["token_endpoint"]).fragment == ""


async def test_3_2_a_parameter_without_a_value_counts_as_omitted(desk: Desk) -> None:
    """Parameters sent without a value must be treated as if they were omitted."""
    assert (await desk.ask(scope="")).status_code == 200
    assert (await desk.ask(client_assertion="")).status_code == 200
    refused(await desk.http.post(TOKEN, data={"grant_type": "", **desk.proof()}), 400, "invalid_request")


async def test_3_2_unknown_parameters_are_ignored(desk: Desk) -> None:
    """The server must ignore unrecognized request parameters."""
    assert (await desk.ask(resource="urn:x", audience="y")).status_code == 200


@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "scope", "unknown"])
async def test_3_2_no_parameter_twice(desk: Desk, name: str) -> None:
    """Request parameters must not be included more than once."""
    values = GRANT | desk.proof() | {"scope": "files:read", "unknown": "x"}
    body = "&".join(f"{key}={quote(value)}" for key, value in [*values.items(), (name, values[name])])
    refused(await desk.http.post(TOKEN, content=body, headers=FORM), 400, "invalid_request")


async def test_3_2_1_a_confidential_client_authenticates(desk: Desk) -> None:
    """Confidential clients must authenticate with the server."""
    for form in (GRANT, GRANT | {"client_id": "scanner"}):
        refused(await desk.http.post(TOKEN, data=form), 401, "invalid_client")


async def test_3_3_scopes_are_case_sensitive_and_in_any_order(desk: Desk) -> None:
    """Scope is a list of case-sensitive strings parted by spaces; their order does not matter."""
    refused(await desk.ask(scope="FILES:READ"), 400, "invalid_scope")
    answers = [await desk.ask(scope=scope) for scope in ("files:read files:write", "files:write files:read")]
    assert answers[0].json()["scope"] == answers[1].json()["scope"]


async def test_3_3_the_scope_that_was_given_is_told(desk: Desk) -> None:
    """If it differs from the one requested, the server must include the scope of the token in the answer."""
    for asked, given in (("", "files:read files:write"), ("files:read", "files:read")):
        assert (await desk.ask(scope=asked)).json()["scope"] == given


async def test_3_3_without_a_scope_there_is_a_default(desk: Desk) -> None:
    """If the client omits the scope, the server must use a pre-defined default or refuse: here all that it holds."""
    assert (await desk.ask()).json()["scope"] == "files:read files:write"


async def test_4_4_2_the_server_authenticates_the_client(desk: Desk) -> None:
    """The server must authenticate the client."""
    wrong = {"client_id": "scanner", "client_secret": "x" * 43}
    refused(await desk.http.post(TOKEN, data=GRANT | wrong), 401, "invalid_client")


async def test_4_4_2_the_grant_type_is_required(desk: Desk) -> None:
    """grant_type is required, and its value must be client_credentials."""
    refused(await desk.http.post(TOKEN, data=desk.proof()), 400, "invalid_request")
    refused(await desk.ask(grant_type="password"), 400, "unsupported_grant_type")


async def test_4_4_3_no_refresh_token(desk: Desk) -> None:
    """A refresh token should not be included."""
    assert "refresh_token" not in (await desk.ask()).json()


async def test_5_1_the_answer_is_json_with_its_required_members(desk: Desk) -> None:
    """access_token and token_type are required; the parameters are members of one JSON object."""
    answer = await desk.ask()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert (type(body["access_token"]), body["token_type"], body["expires_in"]) == (str, "Bearer", 900)


async def test_5_1_answers_are_not_kept(desk: Desk) -> None:
    """The server must send Cache-Control: no-store and Pragma: no-cache with tokens and other sensitive answers."""
    token = await desk.token()
    for answer in (await desk.ask(), await desk.ask(scope="x"), await desk.inspect(token), await desk.revoke(token)):
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_assertion": "a"}, 400, "invalid_request"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({"scope": "files:delete"}, 400, "invalid_scope"),
    ],
)
async def test_5_2_each_refusal_has_the_error_of_the_table(
    desk: Desk, form: dict[str, str], status: int, error: str
) -> None:
    """The server answers 400 (invalid_client: 401 is allowed) with one error code of the section's table, as JSON."""
    refused(await desk.ask(**form), status, error)


async def test_5_2_a_failed_basic_authentication_is_challenged_in_its_scheme(desk: Desk) -> None:
    """Who tried by the Authorization header must get 401 and a WWW-Authenticate for the scheme that was used."""
    answer = await desk.http.post(TOKEN, data=GRANT, auth=httpx.BasicAuth("scanner", "wrong"))
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("scope", ['"', "\\", 'a"b\\c', "files:read\tx"])
async def test_5_2_descriptions_hold_no_other_characters(desk: Desk, scope: str) -> None:
    """Values of error and error_description must not include characters outside %x20-21 / %x23-5B / %x5D-7E."""
    body = (await desk.ask(scope=scope)).json()
    assert DESCRIPTION.fullmatch(body["error"])
    assert DESCRIPTION.fullmatch(body["error_description"])
