"""RFC 8414, OAuth 2.0 Authorization Server Metadata. That the addresses are https is a matter of the settings."""

from typing import Any

import httpx
import pytest

from artstore_kit.contracts.identity import Scope

PATH = "/.well-known/oauth-authorization-server"


@pytest.fixture
async def metadata(client: httpx.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get(PATH)).json()
    return document


async def test_2_the_issuer_has_neither_query_nor_fragment(metadata: dict[str, Any]) -> None:
    """issuer is required: a URL that has no query or fragment components."""
    url = httpx.URL(metadata["issuer"])
    assert (url.query, url.fragment) == (b"", "")


async def test_2_the_token_endpoint_is_named(metadata: dict[str, Any]) -> None:
    """token_endpoint is required unless only the implicit grant is supported."""
    assert metadata["token_endpoint"].endswith("/api/v1/auth/token")


async def test_2_the_response_types_are_named(metadata: dict[str, Any]) -> None:
    """response_types_supported is required. Without an authorization endpoint there is none but `none`."""
    assert metadata["response_types_supported"] == ["none"]
    assert "authorization_endpoint" not in metadata


async def test_2_the_grant_types_are_named(metadata: dict[str, Any]) -> None:
    """If grant_types_supported is omitted, the default is authorization_code and implicit: so it must be there."""
    assert metadata["grant_types_supported"] == ["client_credentials"]


@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
async def test_2_signing_algorithms_are_named_and_none_is_not(metadata: dict[str, Any], endpoint: str) -> None:
    """The algorithms must be present if private_key_jwt is; RS256 should be among them, none must not be used."""
    assert "private_key_jwt" in metadata[f"{endpoint}_endpoint_auth_methods_supported"]
    algorithms = metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert "RS256" in algorithms
    assert "none" not in algorithms


async def test_2_scopes_are_named(metadata: dict[str, Any]) -> None:
    """scopes_supported is recommended."""
    assert metadata["scopes_supported"] == sorted(Scope)


async def test_2_the_keys_are_there(metadata: dict[str, Any], client: httpx.AsyncClient) -> None:
    """jwks_uri is the address of a JWK Set with the keys that sign; use tells signing keys from others."""
    keys = (await client.get(httpx.URL(metadata["jwks_uri"]).path)).json()["keys"]
    assert keys
    assert all(key["use"] == "sig" for key in keys)


async def test_3_1_it_is_asked_for_by_get(client: httpx.AsyncClient) -> None:
    """The document must be queried using GET at the well-known path."""
    assert (await client.get(PATH)).status_code == 200
    assert (await client.post(PATH)).status_code == 405


async def test_3_2_it_is_a_json_object(client: httpx.AsyncClient) -> None:
    """A successful answer must be 200 and a JSON object of type application/json."""
    answer = await client.get(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert isinstance(answer.json(), dict)


async def test_3_2_claims_without_elements_are_left_out(metadata: dict[str, Any]) -> None:
    """Claims with zero elements must be omitted."""
    assert [name for name, value in metadata.items() if not value] == []
