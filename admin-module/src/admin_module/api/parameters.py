"""Parameters of requests at the OAuth endpoints: forms and JSON, and what RFC 6749 section 3.2 forbids in them."""

import json
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from artstore_kit.contracts.errors import IncompleteBody, InvalidRequest

BODY_LIMIT_BYTES = 16_384
_KNOWN = frozenset(
    {
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "scope",
        "token",
        "token_type_hint",
    }
)

type Pairs = Sequence[tuple[str, object]]


async def read_parameters(request: Request) -> dict[str, str]:
    """What is known of the parameters; empty ones count as left out (RFC 6749 section 3.2)."""
    body = await _body(request)
    read = _READERS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if read is None:
        raise InvalidRequest(f"Send the parameters as {' or '.join(_READERS)}.")
    pairs = read(body)
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise InvalidRequest("A parameter is given more than once.")
    return {name: _checked(name, value) for name, value in pairs if name in _KNOWN and value != ""}


def is_plain(text: str) -> bool:
    """Whether all characters are printable ASCII (RFC 6749 appendix A)."""
    return text.isascii() and text.isprintable()


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
    if not isinstance(value, str) or not is_plain(value):
        raise InvalidRequest(f"The parameter {name} is not a string of printable ASCII.")
    return value
