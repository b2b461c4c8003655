"""Who is asking and on whose behalf, for the length of one request: read by the logs and by every outgoing call."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The `X-Request-ID` of the request being answered; empty outside a request."""

acting_for: ContextVar[str] = ContextVar("acting_for", default="")
"""The subject for whom a service acts (`X-ArtStore-Acting-For`); empty when it acts for itself."""

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The W3C `traceparent` that came in; passed on as it is when tracing is off."""

tracestate: ContextVar[str] = ContextVar("tracestate", default="")
"""The W3C `tracestate` that came in beside it."""
