"""What the authorization server says of itself (RFC 8414)."""

from pydantic import BaseModel

from artstore_kit.contracts.client_keys import SIGNING_ALGORITHMS
from artstore_kit.contracts.identity import Scope

_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_ALGORITHMS: list[str] = [algorithm for of_a_type in SIGNING_ALGORITHMS.values() for algorithm in of_a_type]


class ServerMetadata(BaseModel):
    """The metadata document; its field names are the RFC's."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str] = _METHODS
    token_endpoint_auth_signing_alg_values_supported: list[str] = _ALGORITHMS
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str] = _METHODS
    revocation_endpoint_auth_signing_alg_values_supported: list[str] = _ALGORITHMS
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str] = _METHODS
    introspection_endpoint_auth_signing_alg_values_supported: list[str] = _ALGORITHMS

    @property
    def audiences(self) -> frozenset[str]:
        """What a client's assertion may be meant for: this server, or an endpoint of it (RFC 7523 section 3)."""
        return frozenset({self.issuer, self.token_endpoint, self.revocation_endpoint, self.introspection_endpoint})


def server_metadata(issuer: str, public_url: str) -> ServerMetadata:
    """There is no authorization endpoint; `none` is what the registry of response types has for that."""
    address = public_url.rstrip("/")
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{address}/api/v1/auth/token",
        revocation_endpoint=f"{address}/api/v1/auth/revoke",
        introspection_endpoint=f"{address}/api/v1/auth/introspect",
        jwks_uri=f"{address}/.well-known/jwks.json",
        scopes_supported=sorted(Scope),
        response_types_supported=["none"],
        grant_types_supported=["client_credentials"],
    )
