"""Who sends a request to an OAuth endpoint: by HTTP Basic, a secret in the body, or a signed assertion."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from starlette.requests import Request

from admin_module.api.parameters import is_plain, read_parameters
from admin_module.domain.proofs import ASSERTION_TYPE, Proof, SharedSecret, SignedAssertion
from artstore_kit import request_context
from artstore_kit.contracts.errors import InvalidClient, InvalidRequest, UnsupportedGrantType

_ASSERTION = frozenset({"client_assertion", "client_assertion_type"})


@dataclass(frozen=True)
class ClientRequest:
    """A client's request, complete but not yet believed."""

    proof: Proof
    address: str


@dataclass(frozen=True)
class TokenRequest(ClientRequest):
    """It asks for a token."""

    scope: str


@dataclass(frozen=True)
class PresentedToken(ClientRequest):
    """It shows a token. `token_type_hint` does not matter: both kinds are looked at (RFC 7009 section 2.1)."""

    token: str


async def read_presented_token(request: Request) -> PresentedToken:
    """The request, or the refusal."""
    parameters = await read_parameters(request)
    token = required(parameters, "token")
    return PresentedToken(proof_in(request, parameters), request_context.address(), token)


async def read_token_request(request: Request) -> TokenRequest:
    """The request, or the refusal that RFC 6749 section 5.2 prescribes."""
    parameters = await read_parameters(request)
    if required(parameters, "grant_type") != "client_credentials":
        raise UnsupportedGrantType
    return TokenRequest(proof_in(request, parameters), request_context.address(), parameters.get("scope", ""))


def required(parameters: Mapping[str, str], name: str) -> str:
    """A parameter that must be there."""
    if name not in parameters:
        raise InvalidRequest(f"The parameter {name} is missing.")
    return parameters[name]


def proof_in(request: Request, parameters: Mapping[str, str]) -> Proof:
    """How the client proves who it is; more ways than one at once are refused (RFC 6749 section 2.3)."""
    authorization = request.headers.getlist("authorization")
    asserted = _ASSERTION & parameters.keys()
    if len(authorization) + ("client_secret" in parameters) + bool(asserted) > 1:
        raise InvalidRequest("Send the client credentials in one way only.")
    if asserted:
        return _asserted(parameters)
    if authorization:
        return _from_basic(authorization[0], parameters)
    if "client_id" not in parameters or "client_secret" not in parameters:
        raise InvalidClient("Send the client credentials by HTTP Basic, in the body, or as a signed assertion.")
    return SharedSecret(parameters["client_id"], parameters["client_secret"])


def _asserted(parameters: Mapping[str, str]) -> SignedAssertion:
    """RFC 7521 section 4.2."""
    if required(parameters, "client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(f"The only client_assertion_type here is {ASSERTION_TYPE}.")
    return SignedAssertion(parameters.get("client_id"), required(parameters, "client_assertion"))


def _from_basic(authorization: str, parameters: Mapping[str, str]) -> SharedSecret:
    shown = _decoded(authorization)
    if parameters.get("client_id", shown.client_id) != shown.client_id:
        raise InvalidRequest("The parameter client_id is not the client of the Authorization header.")
    return shown


def _decoded(authorization: str) -> SharedSecret:
    """HTTP Basic, whose two halves are encoded like form fields (section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("The only scheme of the Authorization header here is Basic.")
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        client_id, client_secret = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise InvalidClient("The Authorization header is not HTTP Basic in UTF-8.") from None
    if not (is_plain(client_id) and is_plain(client_secret)):
        raise InvalidClient("The client credentials are not printable ASCII.")
    return SharedSecret(client_id, client_secret)
