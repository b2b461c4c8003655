"""`POST /api/v1/auth/token` as clients use it, and its tokens as services check them."""

import time
from typing import Any
from urllib.parse import quote_plus

import httpx
import jwt
import pytest

from admin_module.factory import Services
from artstore_kit.contracts.errors import NotAuthenticated
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.settings import TokenSettings
from artstore_kit.testing.tokens import TokenMint
from artstore_kit.tokens.bearer import TokenVerifier

PATH = "/api/v1/auth/token"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def credentials(fleet: dict[str, str]) -> dict[str, str]:
    """The ingester's, as parameters."""
    return {"client_id": "ingester-module", "client_secret": fleet["ingester-module"]}


@pytest.fixture
async def token(client: httpx.AsyncClient, credentials: dict[str, str]) -> str:
    """The ingester's token."""
    answer = await client.post(PATH, data=GRANT | credentials)
    token: str = answer.json()["access_token"]
    return token


async def key_of(client: httpx.AsyncClient, token: str) -> jwt.PyJWK:
    keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    return jwt.PyJWK({key["kid"]: key for key in keys}[jwt.get_unverified_header(token)["kid"]])


async def claims_of(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """What plain PyJWT makes of a token, knowing nothing of ArtStore but the issuer's key set."""
    return jwt.decode(token, await key_of(client, token), ["RS256"], audience="artstore", issuer="http://admin.test")


async def test_by_form(client: httpx.AsyncClient, credentials: dict[str, str]) -> None:
    answer = await client.post(PATH, data=GRANT | credentials)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 900
    assert body["scope"] == "elements:read files:read files:write fleet:act-for"


async def test_by_json(client: httpx.AsyncClient, credentials: dict[str, str]) -> None:
    answer = await client.post(PATH, json=GRANT | credentials)
    assert answer.status_code == 200


async def test_by_basic(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    auth = httpx.BasicAuth("ingester-module", fleet["ingester-module"])
    for body in ({"data": GRANT}, {"json": GRANT}, {"data": GRANT | {"client_id": "ingester-module"}}):
        answer = await client.post(PATH, auth=auth, **body)  # type: ignore[arg-type]
        assert answer.status_code == 200


async def test_basic_is_percent_decoded(client: httpx.AsyncClient, fleet: dict[str, str]) -> None:
    encoded = "".join(f"%{ord(character):02x}" for character in fleet["ingester-module"])
    answer = await client.post(PATH, data=GRANT, auth=httpx.BasicAuth(quote_plus("ingester-module"), encoded))
    assert answer.status_code == 200


async def test_a_content_type_may_have_parameters(client: httpx.AsyncClient, credentials: dict[str, str]) -> None:
    content = str(httpx.QueryParams(GRANT | credentials))
    headers = {"Content-Type": "Application/X-WWW-Form-URLencoded; charset=UTF-8"}
    assert (await client.post(PATH, content=content, headers=headers)).status_code == 200


async def test_unknown_and_empty_parameters_do_not_matter(
    client: httpx.AsyncClient, credentials: dict[str, str]
) -> None:
    answer = await client.post(PATH, data={**GRANT, **credentials, "scope": "", "resource": "urn:x"})
    assert answer.status_code == 200


async def test_scopes_are_narrowed(client: httpx.AsyncClient, credentials: dict[str, str]) -> None:
    answer = await client.post(PATH, data={**GRANT, **credentials, "scope": "files:write files:read"})
    assert answer.json()["scope"] == "files:read files:write"
    claims = await claims_of(client, answer.json()["access_token"])
    assert claims["scope"] == "files:read files:write"


async def test_the_token_has_all_claims(client: httpx.AsyncClient, token: str) -> None:
    claims = await claims_of(client, token)
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["exp"] == claims["iat"] + 900
    assert len(claims["jti"]) == 32
    assert {name: claims[name] for name in claims if name not in {"iat", "exp", "jti"}} == {
        "iss": "http://admin.test",
        "aud": "artstore",
        "sub": "ingester-module",
        "client_id": "ingester-module",
        "scope": "elements:read files:read files:write fleet:act-for",
        "grants": [{"collection": "*", "actions": ["delete", "read", "write"]}],
    }


async def test_the_token_is_signed_as_promised(client: httpx.AsyncClient, token: str) -> None:
    header = jwt.get_unverified_header(token)
    key = await key_of(client, token)
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": key.key_id}
    assert key.key.key_size == 3072


async def test_two_tokens_are_not_the_same(client: httpx.AsyncClient, credentials: dict[str, str]) -> None:
    answers = [await client.post(PATH, data=GRANT | credentials) for _ in range(2)]
    first, second = [await claims_of(client, answer.json()["access_token"]) for answer in answers]
    assert first["jti"] != second["jti"]


async def test_services_accept_the_token(services: Services, token: str) -> None:
    settings = TokenSettings(issuer="http://admin.test")
    principal = await TokenVerifier(settings, services.issuer).authenticate(f"Bearer {token}", "ada")
    assert (principal.subject, principal.on_whose_behalf) == ("ingester-module", "ada")
    principal.require(Scope.FILES_WRITE)
    principal.require_grant(Action.WRITE, "hr/2026")


async def test_another_issuers_services_do_not(services: Services, token: str) -> None:
    for settings in (
        TokenSettings(issuer="http://other.test"),
        TokenSettings(issuer="http://admin.test", audience="x"),
    ):
        with pytest.raises(NotAuthenticated):
            await TokenVerifier(settings, services.issuer).authenticate(f"Bearer {token}")


@pytest.mark.parametrize("path", ["/api/v1/elements", "/api/v1/elements/edit-1", "/api/v1/service-accounts"])
async def test_tokens_of_other_keys_are_refused(client: httpx.AsyncClient, path: str) -> None:
    foreign = TokenMint("http://admin.test").bearer()
    for headers in ({}, foreign):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
