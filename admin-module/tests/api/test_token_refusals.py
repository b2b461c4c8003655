"""`POST /api/v1/auth/token` and those who mean no good, or are merely confused."""

import base64
import contextlib
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from admin_module.config import Settings
from admin_module.main import create_app
from artstore_kit.testing.application import open_server

PATH = "/api/v1/auth/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
GRANT = "grant_type=client_credentials"
# RFC 6749 section 5.2 allows these characters in error_description.
ALLOWED = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")


def basic(user_and_password: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(user_and_password).decode()}


async def refusal(client: httpx.AsyncClient, content: bytes | str, headers: dict[str, str]) -> tuple[int, str]:
    answer = await client.post(PATH, content=content, headers=headers)
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert ALLOWED.fullmatch(body["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    return answer.status_code, body["error"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"client_id=a&client_secret=b",
        b"grant_type=&client_id=a&client_secret=b",
        b"grant_type=client_credentials&grant_type=client_credentials&client_id=a&client_secret=b",
        b"grant_type=client_credentials&client_id=a&client_id=a&client_secret=b",
        b"grant_type=client_credentials&client_id=a&client_secret=b&client_secret=b",
        b"grant_type=client_credentials&client_id=a&client_secret=b&scope=a&scope=",
        b"grant_type=client_credentials&client_id=a&client_secret=b&other=1&other=2",
        b"grant_type=client_credentials&client_id=%00&client_secret=b",
        b"grant_type=client_credentials&client_id=a&client_secret=b%00",
        b"grant_type=client_credentials&client_id=a&client_secret=b&scope=files:read%00",
        b"grant_type=client_credentials%00&client_id=a&client_secret=b",
        b"grant_type=client_credentials&client_id=a%0d%0ab&client_secret=b",
        b"grant_type=client_credentials&client_id=%ff&client_secret=b",
        b"grant_type=client_credentials&client_id=\xff&client_secret=b",
        b"grant_type=client_credentials&client_id=\x00&client_secret=b",
        "grant_type=client_credentials&client_id=хранилище&client_secret=b".encode(),
        b"&".join(b"p%d=1" % number for number in range(60)),
        b"grant_type=client_credentials&client_secret=" + b"a" * 20_000,
        b"a" * 500_000,
    ],
)
async def test_forms_that_are_malformed(client: httpx.AsyncClient, content: bytes) -> None:
    assert await refusal(client, content, FORM) == (400, "invalid_request")


async def test_a_huge_body_is_not_read(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"a" * 5_000_000, headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[1]",
        b'["grant_type"]',
        b'"grant_type"',
        b"{}",
        b'{"grant_type": null}',
        b'{"grant_type": ["client_credentials"]}',
        b'{"grant_type": {"a": "b"}}',
        b'{"grant_type": "client_credentials", "grant_type": "client_credentials"}',
        b'{"grant_type": "client_credentials", "client_id": 1, "client_secret": "b"}',
        b'{"grant_type": "client_credentials", "client_id": "a\\u0000", "client_secret": "b"}',
        b'{"grant_type": "client_credentials", "client_id": "\\ud800", "client_secret": "b"}',
        b'{"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": ["files:read"]}',
        b'{"grant_type": "client_credentials", "client_id": "\xff", "client_secret": "b"}',
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"9" * 10_000,
    ],
)
async def test_json_that_is_malformed(client: httpx.AsyncClient, content: bytes) -> None:
    assert await refusal(client, content, JSON) == (400, "invalid_request")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "multipart/form-data; boundary=x", "application/jsonp", ";"]
)
async def test_other_content_types(client: httpx.AsyncClient, content_type: str) -> None:
    body = f"{GRANT}&client_id=a&client_secret=b"
    assert await refusal(client, body, {"Content-Type": content_type}) == (400, "invalid_request")
    assert await refusal(client, body, {}) == (400, "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "refresh_token", "authorization_code", "CLIENT_CREDENTIALS"])
async def test_other_grant_types(client: httpx.AsyncClient, grant_type: str) -> None:
    body = f"grant_type={grant_type}&client_id=a&client_secret=b"
    assert await refusal(client, body, FORM) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("body", [GRANT, f"{GRANT}&client_id=query-module", f"{GRANT}&client_secret=x"])
async def test_no_credentials(client: httpx.AsyncClient, body: str) -> None:
    assert await refusal(client, body, FORM) == (401, "invalid_client")


@pytest.mark.parametrize(
    "client_id", ["query-module", "nobody", "admin", "Query-Module", "' OR 1=1 --", "*", "a" * 9000]
)
async def test_wrong_credentials(client: httpx.AsyncClient, client_id: str) -> None:
    wrong = f"{client_id}:{'x' * 43}".encode()
    assert await refusal(client, GRANT, FORM | basic(wrong)) == (401, "invalid_client")
    form = str(httpx.QueryParams({"client_id": client_id, "client_secret": "x" * 43}))
    assert await refusal(client, f"{GRANT}&{form}", FORM) == (401, "invalid_client")


async def test_the_challenge_names_the_scheme(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=GRANT, headers=FORM | basic(b"query-module:wrong"))
    assert answer.headers["www-authenticate"] == 'Basic realm="artstore", charset="UTF-8"'


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YTpi====",
        "Bearer abc",
        "Digest a",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"%ff:x").decode(),
        "Basic " + base64.b64encode(b"query-module:%00").decode(),
        "Basic " + base64.b64encode(b"query\x00module:x").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode("хранилище:тайна".encode()).decode(),
    ],
)
async def test_broken_basic(client: httpx.AsyncClient, authorization: str) -> None:
    assert await refusal(client, GRANT, {**FORM, "Authorization": authorization}) == (401, "invalid_client")


async def test_bytes_of_no_charset_in_the_header(client: httpx.AsyncClient) -> None:
    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"authorization", b"Basic \xff\xfe")]
    answer = await client.post(PATH, content=GRANT, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_one_way_of_authentication_only(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    secret = fleet["query-module"]
    header = basic(f"query-module:{secret}".encode())
    for more in (f"client_id=query-module&client_secret={secret}", f"client_secret={secret}", "client_id=another"):
        assert await refusal(client, f"{GRANT}&{more}", FORM | header) == (400, "invalid_request")


async def test_two_authorization_headers(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    header = basic(f"query-module:{fleet['query-module']}".encode())["Authorization"]
    headers = [("Content-Type", FORM["Content-Type"]), ("Authorization", header), ("Authorization", header)]
    answer = await client.post(PATH, content=GRANT, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "scope", ["files:delete", "files:read files:delete", "files:burn", "openid", "*", "files:read,"]
)
async def test_scopes_that_are_not_held(client: httpx.AsyncClient, fleet: dict[str, str], scope: str) -> None:
    form = str(httpx.QueryParams({"client_id": "query-module", "client_secret": fleet["query-module"], "scope": scope}))
    assert await refusal(client, f"{GRANT}&{form}", FORM) == (400, "invalid_scope")


async def test_a_refused_scope_is_told_without_forbidden_characters(
    client: httpx.AsyncClient, fleet: dict[str, str]
) -> None:
    scope = '"><script>\\'
    form = str(httpx.QueryParams({"client_id": "query-module", "client_secret": fleet["query-module"], "scope": scope}))
    assert await refusal(client, f"{GRANT}&{form}", FORM) == (400, "invalid_scope")


async def test_credentials_in_the_address_do_not_count(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    query = {"client_id": "query-module", "client_secret": fleet["query-module"]}
    answer = await client.post(PATH, params=query, content=GRANT, headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_get_is_not_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_the_access_log_says_why(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await client.post(PATH, content=GRANT, headers=FORM | basic(b"query-module:wrong"))
        await client.get("/api/v1/elements")
    assert [log["code"] for log in logs if log["event"] == "request"] == ["invalid_client", "not_authenticated"]


async def test_a_huge_body_in_chunks_over_a_real_connection(other_node: Settings) -> None:
    """Its length is not announced: it is refused as soon as it is too long, and the rest is thrown away."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(128):
            yield b"a" * 65_536

    async with open_server(create_app(other_node)) as url, httpx.AsyncClient(base_url=url) as client:
        with contextlib.suppress(httpx.WriteError, httpx.ReadError):
            answer = await client.post(PATH, content=chunks(), headers=FORM)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert (await client.get("/health/live")).status_code == 200
