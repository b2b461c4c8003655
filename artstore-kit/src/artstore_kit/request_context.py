"""Who is asking and on whose behalf, for the length of one request: read by the logs and by every outgoing call."""

from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The `X-Request-ID` of the request being answered; empty outside a request."""

acting_for: ContextVar[str] = ContextVar("acting_for", default="")
"""The subject for whom a service acts (`X-ArtStore-Acting-For`); empty when it acts for itself."""

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The W3C `traceparent` that came in; passed on as it is when tracing is off."""

tracestate: ContextVar[str] = ContextVar("tracestate", default="")
"""The W3C `tracestate` that came in beside it."""

scope: ContextVar[MutableMapping[str, Any]] = ContextVar("scope")
"""The ASGI scope of the request being answered."""

_TOLD = "artstore.address"


def address() -> str:
    """From where the request being answered was sent; empty outside a request."""
    current = scope.get(None)
    return address_of(current) if current else ""


def address_of(request: Mapping[str, Any]) -> str:
    """From where a request was sent, as far as whoever has sent it is believed."""
    return str(request.get(_TOLD) or peer_of(request))


def peer_of(request: Mapping[str, Any]) -> str:
    """From where a request came here, whatever its sender says of others."""
    client = request.get("client")
    return str(client[0]) if client else ""


def come_from(address: str) -> None:
    """Whoever sent the request being answered says from where it was sent to them, and is believed.

    The access log goes on naming the peer: whoever steals a service's secret can say what they like.
    """
    current = scope.get(None)
    if current is not None:
        current[_TOLD] = address


def target() -> str:
    """Path and query of the request being answered, as they came."""
    path: bytes = scope.get()["raw_path"]
    query: bytes = scope.get()["query_string"]
    return (path + b"?" + query if query else path).decode("ascii")
