"""Reading a request for a token: three encodings, two places for the credentials, and what RFC 6749 forbids."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import ClientDisconnect, Request

from artstore_kit.contracts.errors import IncompleteBody, InvalidClient, InvalidRequest, UnsupportedGrantType

BODY_LIMIT_BYTES = 16_384
_KNOWN = ("grant_type", "client_id", "client_secret", "scope")

type Pairs = Sequence[tuple[str, object]]


@dataclass(frozen=True)
class TokenRequest:
    """A client's request for a token, complete but not yet believed."""

    client_id: str
    client_secret: str
    scope: str


async def read_token_request(request: Request) -> TokenRequest:
    """The request, or the refusal that RFC 6749 section 5.2 prescribes."""
    parameters = _parameters(request.headers.get("content-type", ""), await _body(request))
    if "grant_type" not in parameters:
        raise InvalidRequest("The parameter grant_type is missing.")
    if parameters["grant_type"] != "client_credentials":
        raise UnsupportedGrantType
    client_id, client_secret = _credentials(request.headers.getlist("authorization"), parameters)
    return TokenRequest(client_id, client_secret, parameters.get("scope", ""))


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT_BYTES:
                raise InvalidRequest(f"The body is longer than {BODY_LIMIT_BYTES} bytes.")
    except ClientDisconnect:
        raise IncompleteBody from None
    return bytes(body)


def _parameters(content_type: str, body: bytes) -> dict[str, str]:
    """What is known of the parameters; empty ones count as left out (RFC 6749 section 3.2)."""
    read = _READERS.get(content_type.partition(";")[0].strip().lower())
    if read is None:
        raise InvalidRequest(f"Send the parameters as {' or '.join(_READERS)}.")
    pairs = read(body)
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise InvalidRequest("A parameter is given more than once.")
    return {name: _checked(name, value) for name, value in pairs if name in _KNOWN and value != ""}


def _from_form(body: bytes) -> Pairs:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise InvalidRequest("The body is not a form in UTF-8 with at most 50 fields.") from None


def _from_json(body: bytes) -> Pairs:
    try:
        pairs = json.loads(body, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise InvalidRequest("The body is not a JSON object.")
    return pairs


_READERS: Mapping[str, Callable[[bytes], Pairs]] = {
    "application/x-www-form-urlencoded": _from_form,
    "application/json": _from_json,
}


def _checked(name: str, value: object) -> str:
    """Parameters are strings of printable ASCII (RFC 6749 appendix A)."""
    if not isinstance(value, str) or not _is_plain(value):
        raise InvalidRequest(f"The parameter {name} is not a string of printable ASCII.")
    return value


def _credentials(authorization: Sequence[str], parameters: dict[str, str]) -> tuple[str, str]:
    """The client's name and secret, from the header or the body; both at once are refused (section 2.3)."""
    if not authorization:
        if "client_id" not in parameters or "client_secret" not in parameters:
            raise InvalidClient("Send the client credentials by HTTP Basic or in the body.")
        return parameters["client_id"], parameters["client_secret"]
    if len(authorization) > 1 or "client_secret" in parameters:
        raise InvalidRequest("Send the client credentials in one way only.")
    client_id, client_secret = _from_basic(authorization[0])
    if parameters.get("client_id", client_id) != client_id:
        raise InvalidRequest("The parameter client_id is not the client of the Authorization header.")
    return client_id, client_secret


def _from_basic(authorization: str) -> tuple[str, str]:
    """HTTP Basic, whose two halves are encoded like form fields (section 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("The only scheme of the Authorization header here is Basic.")
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        client_id, client_secret = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise InvalidClient("The Authorization header is not HTTP Basic in UTF-8.") from None
    if not (_is_plain(client_id) and _is_plain(client_secret)):
        raise InvalidClient("The client credentials are not printable ASCII.")
    return client_id, client_secret


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
