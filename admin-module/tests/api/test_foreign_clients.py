"""Clients that are not ours, as they are: Authlib's and requests-oauthlib's, against a server on a real port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests_oauthlib import OAuth2Session as RequestsOAuth2Session

from admin_module.config import PublicSettings, Settings
from admin_module.main import create_app
from artstore_kit.settings import AuditSettings, PostgresSettings, TokenSettings
from artstore_kit.testing.application import free_port, open_server
from artstore_kit.testing.client_keys import client_key
from artstore_kit.testing.oauth import AUTH, Desk

KEY = client_key("RS256")


@pytest.fixture(scope="module")
def settings(migrated_postgres: PostgresSettings, settings_of: Callable[[PostgresSettings], Settings]) -> Settings:
    """Settings of a server that knows at which address it will be reached."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    made = settings_of(migrated_postgres)
    return made.model_copy(
        update={
            "server": made.server.model_copy(update={"port": port}),
            "tokens": TokenSettings(issuer=url),
            "public": PublicSettings(admin_url=url, ingester_url=url, query_url=url),
        }
    )


@pytest.fixture(scope="module")
async def server(desk: Desk, settings: Settings, new_spool: Callable[[], AuditSettings]) -> AsyncIterator[str]:
    """Its address."""
    app = create_app(settings.model_copy(update={"audit": new_spool()}))
    async with open_server(app, port=settings.server.port) as url:
        yield url


@pytest.fixture(scope="module")
async def metadata(server: str) -> dict[str, Any]:
    """What it tells of itself (RFC 8414)."""
    async with httpx.AsyncClient() as client:
        document: dict[str, Any] = (await client.get(f"{server}/.well-known/oauth-authorization-server")).json()
    return document


def authlib(desk: Desk, name: str = "scanner", method: Any = "client_secret_basic") -> OAuth2Session:
    return OAuth2Session(name, desk.secrets[name], token_endpoint_auth_method=method)


def asserting(metadata: dict[str, Any]) -> OAuth2Session:
    return OAuth2Session("scanner", KEY.pem, token_endpoint_auth_method=PrivateKeyJWT(metadata["token_endpoint"]))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlib_gets_tokens(desk: Desk, server: str, metadata: dict[str, Any], method: str) -> None:
    def flow() -> Any:
        with authlib(desk, method=method) as session:
            token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
            return token, session.get(f"{server}/api/v1/elements").json()

    token, answer = await asyncio.to_thread(flow)
    assert (token["token_type"], token["scope"]) == ("Bearer", "files:read files:write")
    assert answer["code"] == "scope_missing"  # so the token itself was accepted


async def test_authlib_signs_assertions(server: str, metadata: dict[str, Any]) -> None:
    def flow() -> Any:
        with asserting(metadata) as session:
            return [session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials") for _ in "12"]

    first, second = await asyncio.to_thread(flow)
    assert first["access_token"] != second["access_token"]


async def test_authlib_introspects_and_revokes(desk: Desk, metadata: dict[str, Any]) -> None:
    def flow() -> list[Any]:
        with authlib(desk) as scanner, authlib(desk, "inspector") as inspector:
            token = scanner.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")["access_token"]
            ask = metadata["introspection_endpoint"]
            before = inspector.introspect_token(ask, token=token, token_type_hint="access_token").json()
            revoked = scanner.revoke_token(metadata["revocation_endpoint"], token=token)  # type: ignore[no-untyped-call]
            return [before["active"], revoked.status_code, inspector.introspect_token(ask, token=token).json()]

    assert await asyncio.to_thread(flow) == [True, 200, {"active": False}]


async def test_authlib_revokes_with_an_assertion(desk: Desk, metadata: dict[str, Any]) -> None:
    def flow() -> tuple[str, requests.Response]:
        with OAuth2Session("scanner", KEY.pem, token_endpoint_auth_method=PrivateKeyJWT()) as session:
            session.revocation_endpoint_auth_method = PrivateKeyJWT()
            token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")["access_token"]
            answer = session.revoke_token(metadata["revocation_endpoint"], token=token)  # type: ignore[no-untyped-call]
            return token, answer

    token, answer = await asyncio.to_thread(flow)
    assert answer.status_code == 200
    assert await desk.state(token) == {"active": False}


async def test_authlib_finds_nothing_wrong_with_the_metadata(metadata: dict[str, Any]) -> None:
    secure = {name: _over_tls(value) for name, value in metadata.items()}
    AuthorizationServerMetadata(secure).validate()


def _over_tls(value: object) -> object:
    return value.replace("http://", "https://", 1) if isinstance(value, str) else value


async def test_authlibs_resource_server_accepts_the_tokens(desk: Desk, server: str, metadata: dict[str, Any]) -> None:
    """RFC 9068 section 4, as somebody else reads it."""

    class Validator(JWTBearerTokenValidator):  # type: ignore[misc,unused-ignore]
        def get_jwks(self) -> Any:
            return KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=5).json())

    def check(token: str) -> None:
        validator = Validator(issuer=metadata["issuer"], resource_server="artstore")
        claims = validator.authenticate_token(token)
        validator.validate_token(claims, ["files:read"], None)

    await asyncio.to_thread(check, await desk.token())


@pytest.fixture
def over_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib insists on TLS otherwise."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.mark.usefixtures("over_loopback")
@pytest.mark.parametrize("in_body", [False, True])
async def test_requests_oauthlib_gets_tokens(desk: Desk, metadata: dict[str, Any], in_body: bool) -> None:
    def flow() -> Any:
        with RequestsOAuth2Session(client=BackendApplicationClient("scanner")) as session:
            return session.fetch_token(
                metadata["token_endpoint"],
                client_id="scanner",
                client_secret=desk.secrets["scanner"],
                include_client_id=in_body or None,
            )

    assert (await asyncio.to_thread(flow))["scope"] == ["files:read", "files:write"]


@pytest.mark.usefixtures("over_loopback")
@pytest.mark.parametrize(
    ("secret", "scope", "error"), [("wrong", None, InvalidClientError), ("", "files:delete", InvalidScopeError)]
)
async def test_requests_oauthlib_understands_refusals(
    desk: Desk, metadata: dict[str, Any], secret: str, scope: str | None, error: type[Exception]
) -> None:
    def flow() -> None:
        with RequestsOAuth2Session(client=BackendApplicationClient("scanner", scope=scope)) as session:
            session.fetch_token(metadata["token_endpoint"], client_secret=secret or desk.secrets["scanner"])

    with pytest.raises(error):
        await asyncio.to_thread(flow)


async def test_the_issuer_is_where_the_metadata_were_found(server: str, metadata: dict[str, Any]) -> None:
    """RFC 8414 section 3.3: the issuer must be the identifier from which the address was made."""
    assert metadata["issuer"] == server
    assert AUTH in metadata["token_endpoint"]
