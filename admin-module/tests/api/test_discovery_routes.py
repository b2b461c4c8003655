"""`/.well-known`."""

import httpx

from artstore_kit.contracts.identity import Scope


async def test_signing_keys_are_public_and_cacheable(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=60"
    signs, follows = answer.json()["keys"]
    assert signs["kid"] != follows["kid"]
    for key in (signs, follows):
        assert key.keys() == {"kty", "n", "e", "kid", "use", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


async def test_metadata_has_what_rfc_8414_asks_for(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/oauth-authorization-server")
    assert answer.headers["content-type"] == "application/json"
    methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    algorithms = ["RS256", "PS256", "ES256", "EdDSA"]
    assert answer.json() == {
        "issuer": "http://admin.test",
        "token_endpoint": "https://store.test/api/v1/auth/token",
        "revocation_endpoint": "https://store.test/api/v1/auth/revoke",
        "introspection_endpoint": "https://store.test/api/v1/auth/introspect",
        "jwks_uri": "https://store.test/.well-known/jwks.json",
        "scopes_supported": sorted(Scope),
        "response_types_supported": ["none"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
    }


async def test_the_fleet_is_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/artstore")
    assert answer.json() == {
        "admin_url": "https://store.test",
        "ingester_url": "https://in.store.test",
        "query_url": "https://out.store.test",
    }
