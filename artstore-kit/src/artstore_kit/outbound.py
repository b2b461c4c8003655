"""Control calls to other services: JSON over HTTP within a deadline, retried where that is safe."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Self, TypedDict, Unpack

import httpx
from pydantic import BaseModel, ValidationError

from artstore_kit.callee import CONNECT_TIMEOUT_S, IDLE_CONNECTION_S, Callee
from artstore_kit.contracts.errors import (
    ArtStoreError,
    CircuitOpen,
    DependencyAnsweredBadly,
)

MOVED = 307
ATTEMPTS = 3
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""RFC 9110 section 9.2.2."""

type Query = Mapping[str, str | int | float | bool | None] | Sequence[tuple[str, str]]
type Document = BaseModel | Mapping[str, object]


class CallOptions(TypedDict, total=False):
    """What a call may carry. `idempotent` overrides what the method says; `auth` takes the place of our token."""

    params: Query
    json: Document
    content: bytes
    form: Mapping[str, str]
    headers: Mapping[str, str]
    auth: httpx.Auth
    idempotent: bool
    deadline_s: float


class Outbound:
    """Calls to one service; `deadline_s` bounds each call with all its attempts and the pauses between them."""

    def __init__(
        self, callee: Callee, *, deadline_s: float = 5.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.callee = callee
        self._deadline_s = deadline_s
        self._client = httpx.AsyncClient(
            base_url=callee.base_url,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=100, keepalive_expiry=IDLE_CONNECTION_S),
            verify=callee.tls or callee.base_url.startswith("https:"),
            transport=transport,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask[Answer: BaseModel](
        self, answer: type[Answer], method: str, path: str, **options: Unpack[CallOptions]
    ) -> Answer:
        """A call whose answer is an `answer` document."""
        response = await self.call(method, path, **options)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise DependencyAnsweredBadly(f"{self.callee.name} answered with an unknown document.") from error

    async def call(self, method: str, path: str, **options: Unpack[CallOptions]) -> httpx.Response:
        """The answer when it is a success; otherwise the error that it tells of is raised."""
        self._client.base_url = httpx.URL(self.callee.base_url)
        request = self._client.build_request(
            method,
            path,
            params=_present(options.get("params")),
            json=_document(options.get("json")),
            content=options.get("content"),
            data=options.get("form"),
            headers=options.get("headers"),
        )
        attempts = ATTEMPTS if options.get("idempotent", method in IDEMPOTENT) else 1
        return await self._attempts(request, options.get("auth"), attempts, options.get("deadline_s", self._deadline_s))

    async def _attempts(
        self, request: httpx.Request, auth: httpx.Auth | None, attempts: int, deadline_s: float
    ) -> httpx.Response:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + deadline_s
        for attempt in range(1, attempts + 1):
            try:
                return await self._attempt(request, auth, give_up_at, deadline_s)
            except ArtStoreError as error:
                pause_s = random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 4**attempt))  # noqa: S311 (jitter)
                if attempt == attempts or not _may_pass(error) or loop.time() + pause_s >= give_up_at:
                    raise
            await asyncio.sleep(pause_s)
        raise AssertionError("there is at least one attempt")

    async def _attempt(
        self, request: httpx.Request, auth: httpx.Auth | None, give_up_at: float, deadline_s: float
    ) -> httpx.Response:
        callee = self.callee
        authorization = {} if auth else await callee.authorization()
        async with callee.calling(request.method, request.url.path) as span:
            request.headers.update(callee.headers(span) | authorization)
            try:
                async with asyncio.timeout_at(give_up_at):
                    response = await self._client.send(request, auth=auth)
                    if response.status_code == MOVED and callee.moved(response.headers.get("Location", "")):
                        request.url = httpx.URL(response.headers["Location"])
                        response = await self._client.send(request, auth=auth)
            except (TimeoutError, httpx.TimeoutException):
                raise callee.late(deadline_s) from None
            except httpx.TransportError as error:
                raise callee.unreachable() from error
            span.set_status(response.status_code)
            if response.is_success:
                return response
            if response.status_code == httpx.codes.UNAUTHORIZED and authorization:
                callee.refused(authorization)
            raise callee.error_of(response.status_code, response.headers, response.content)


def _may_pass(error: ArtStoreError) -> bool:
    """Whether the same call may succeed in a moment."""
    return error.status in {502, 503, 504} and not isinstance(error, CircuitOpen)


def _document(document: Document | None) -> object:
    if isinstance(document, BaseModel):
        return document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return document


def _present(params: Query | None) -> httpx.QueryParams:
    """Query fields without those that are None."""
    if isinstance(params, Sequence):
        return httpx.QueryParams(tuple(params))
    return httpx.QueryParams({name: value for name, value in (params or {}).items() if value is not None})
