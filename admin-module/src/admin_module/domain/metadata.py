"""What the authorization server says of itself (RFC 8414)."""

from pydantic import BaseModel

from artstore_kit.contracts.identity import Scope


class ServerMetadata(BaseModel):
    """The metadata document; its field names are the RFC's."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]


def server_metadata(issuer: str, public_url: str) -> ServerMetadata:
    """There is no authorization endpoint, hence no response type."""
    address = public_url.rstrip("/")
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=f"{address}/api/v1/auth/token",
        jwks_uri=f"{address}/.well-known/jwks.json",
        scopes_supported=sorted(Scope),
        response_types_supported=[],
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
    )
