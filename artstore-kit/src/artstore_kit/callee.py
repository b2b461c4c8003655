"""A service that this one calls: its address, our credentials, its breaker, and what its answers mean."""

import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram
from pydantic import ValidationError

from artstore_kit import request_context
from artstore_kit.breaker import CircuitBreaker, State
from artstore_kit.contracts.errors import (
    ArtStoreError,
    CircuitOpen,
    DeadlineExceeded,
    DependencyAnsweredBadly,
    DependencyUnavailable,
    DependencyUnreached,
    InternalError,
    MasterElsewhere,
    NoMaster,
    NotAuthenticated,
    NotFound,
    Problem,
    RangeNotSatisfiable,
    RevisionMismatch,
    ScopeMissing,
    error_from,
)
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, ACTING_FROM_HEADER
from artstore_kit.tracing import CallSpan, client_span

PROBLEM_TYPE = "application/problem+json"
PROBLEM_LIMIT_BYTES = 65_536
IDLE_CONNECTION_S = 30
"""Kept this long unused: below the 75 s of ArtStore's servers, so that ours is the side that closes."""

CONNECT_TIMEOUT_S = 2.0

CALLS = Counter("artstore_outbound_calls_total", "Calls to other services", ["service", "method", "outcome"])
SECONDS = Histogram("artstore_outbound_seconds", "Time from a call to its answer", ["service", "method"])
CIRCUIT = Gauge("artstore_outbound_circuit_open", "1 while calls to the service are refused", ["service"])


class Credentials(Protocol):
    """Where access tokens for outgoing calls come from."""

    async def token(self) -> str:
        """A token that is valid now."""
        ...

    def forget(self, token: str) -> None:
        """This token was refused: do not give it again."""
        ...


@dataclass
class Callee:
    """One base URL. Everything that calls it shares this, so that all learn from one breaker."""

    name: str
    base_url: str
    credentials: Credentials | None = None
    tls: ssl.SSLContext | None = None
    breaker: CircuitBreaker = field(init=False)
    _home: str = field(init=False)

    def __post_init__(self) -> None:
        self.base_url = self._home = self.base_url.rstrip("/")
        self.breaker = CircuitBreaker(self.name)

    @asynccontextmanager
    async def calling(self, method: str, path: str) -> AsyncIterator[CallSpan]:
        """Around one call: admits it, times it, and counts how it ended by what it raises."""
        began = time.perf_counter()
        outcome = "abandoned"
        try:
            self.breaker.admit()
            with client_span(method, f"{self.base_url}{path}") as span:
                yield span
            outcome = "ok"
            self.breaker.succeeded()
        except ArtStoreError as error:
            outcome = self._count(error)
            raise
        finally:
            if outcome == "abandoned":
                self.breaker.abandoned()
            CALLS.labels(self.name, method, outcome).inc()
            SECONDS.labels(self.name, method).observe(time.perf_counter() - began)
            CIRCUIT.labels(self.name).set(self.breaker.state is State.OPEN)

    def _count(self, error: ArtStoreError) -> str:
        if isinstance(error, CircuitOpen):
            return "circuit_open"
        if isinstance(error, DependencyUnavailable | DependencyAnsweredBadly | DeadlineExceeded | InternalError):
            self.breaker.failed()
            self.base_url = self._home
            return "failed"
        self.breaker.succeeded()
        return "refused"

    async def authorization(self) -> dict[str, str]:
        """The header that proves who we are; asked for before `calling`, for its failures are not the callee's."""
        return {"Authorization": f"Bearer {await self.credentials.token()}"} if self.credentials else {}

    def headers(self, span: CallSpan) -> dict[str, str]:
        """For whom, within which request and trace, we call."""
        headers = span.headers()
        if request_id := request_context.request_id.get():
            headers["X-Request-ID"] = request_id
        if acting_for := request_context.acting_for.get():
            headers[ACTING_FOR_HEADER] = acting_for
        if address := request_context.address():
            headers[ACTING_FROM_HEADER] = address
        return headers

    def refused(self, authorization: Mapping[str, str]) -> None:
        """What `authorization()` gave was not accepted."""
        if self.credentials is not None:
            self.credentials.forget(authorization["Authorization"].removeprefix("Bearer "))

    def moved(self, location: str) -> bool:
        """Another node does the work of this one now (307): call that one from here on. False when it is the same."""
        before, parts = self.base_url, urlsplit(location)
        if parts.scheme in {"http", "https"} and parts.netloc:
            self.base_url = f"{parts.scheme}://{parts.netloc}"
        return self.base_url != before

    def unreached(self) -> DependencyUnreached:
        """No connection: nothing was sent."""
        return DependencyUnreached(f"{self.name} takes no connection.")

    def unreachable(self) -> DependencyUnavailable:
        """A broken connection, or none: something may have been sent."""
        return DependencyUnavailable(f"{self.name} cannot be reached.")

    def late(self, deadline_s: float) -> DeadlineExceeded:
        """No answer in time."""
        return DeadlineExceeded(f"{self.name} did not answer within {deadline_s:g} s.")

    def error_of(self, status: int, headers: Mapping[str, str], body: bytes) -> ArtStoreError:
        """What a refusal or failure answered by the service means here."""
        error = _told(body) if headers.get("content-type", "").startswith(PROBLEM_TYPE) else None
        if isinstance(error, MasterElsewhere):
            # Where inside the fleet is no concern of whoever called this service.
            return NoMaster(headers={"Retry-After": "1"})
        if isinstance(error, NotAuthenticated | ScopeMissing):
            # It is this service's own account that was refused: not what the caller of this service did.
            return DependencyUnavailable(f"{self.name} does not accept this service's account.")
        if error is None and status >= 500:
            error = DependencyUnavailable(f"{self.name} answered {status}.")
        if error is None:
            error = _WITHOUT_BODY.get(status, DependencyAnsweredBadly)(f"{self.name} answered {status}.")
        error.headers |= {name: headers[name] for name in _HEADERS_KEPT if name in headers}
        return error


_HEADERS_KEPT = ("Retry-After", "Content-Range")
_WITHOUT_BODY: Mapping[int, type[ArtStoreError]] = {404: NotFound, 412: RevisionMismatch, 416: RangeNotSatisfiable}
"""Answers to HEAD carry no document: only the status tells."""


def _told(body: bytes) -> ArtStoreError | None:
    try:
        return error_from(Problem.model_validate_json(body))
    except ValidationError:
        return None
