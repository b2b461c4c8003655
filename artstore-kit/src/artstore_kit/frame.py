"""Around every request: its id, trace, metrics, access log line, and the one place where errors become answers."""

import re
from collections.abc import Sequence
from functools import partial
from secrets import token_hex
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artstore_kit import metrics, request_context
from artstore_kit.audit.noting import Noting
from artstore_kit.contracts.errors import ArtStoreError, BodyTimeout, BodyTooLarge, IncompleteBody, InternalError
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.logs import event_logger
from artstore_kit.noted import begin, noted_of
from artstore_kit.request_context import request_id
from artstore_kit.settings import ServerSettings
from artstore_kit.tally import CLIENT_GONE, REQUEST_ID_HEADER, UNMATCHED, Tally
from artstore_kit.tracing import server_span

API_PREFIX = "/api/v1"
_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}")
BODY_LIMIT_BYTES = 1024 * 1024
"""Of bodies that are held in memory; those on the byte path are streamed."""


class Frame:
    """The outermost ASGI application: byte routes first, everything else to FastAPI."""

    def __init__(
        self, app: ASGIApp, byte_routes: Sequence[ByteRoute[Any]], owner: object, settings: ServerSettings
    ) -> None:
        self._app = app
        self._byte_routes = byte_routes
        self._owner = owner
        self._body_idle_s = settings.body_idle_s
        self._proxies = settings.proxies
        self._log = event_logger()
        self.noting: Noting | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass lifespan messages on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["app"] = self._owner
        begin(scope)
        if self._proxies:
            self._proxies.name_client(scope)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        tally = Tally(scope, receive, send, _kept_or_made(headers.get(REQUEST_ID_HEADER)), self._body_idle_s)
        tally.before_head = partial(self._note, tally)
        token = request_id.set(tally.request_id)
        request_context.scope.set(scope)
        metrics.UNDER_WAY.inc()
        try:
            with server_span(scope["method"], headers) as span:
                await self._dispatch(scope, tally)
                span.set_status(tally.status, tally.route)
        finally:
            metrics.UNDER_WAY.dec()
            if not tally.started:
                self._note(tally)
            tally.account(self._log)
            request_id.reset(token)

    def close(self) -> None:
        """Requests are over."""
        if self.noting is not None:
            self.noting.close()

    async def _dispatch(self, scope: Scope, tally: Tally) -> None:
        exchange: Exchange[Any] | None = None
        noted = noted_of(scope)
        try:
            for route in self._byte_routes:
                params = route.match(scope["method"], scope["path"])
                if params is not None:
                    tally.route, scope["path_params"] = route.path, params
                    exchange = Exchange(scope, tally.receive, tally.send, params, route.rights)
                    await route.handler(exchange)
                    return
            await self._app(scope, _Limited(scope, tally.receive).receive, tally.send)
            tally.route = _route_of(scope)
            tally.code = noted.code
        except ArtStoreError as error:
            await self._answer(exchange or Exchange(scope, tally.receive, tally.send, {}), error, tally)
        except Exception:  # noqa: BLE001 (nothing may leave without an answer and a log line)
            self._log.exception("request failed", method=scope["method"], path=scope["path"])
            await self._answer(exchange or Exchange(scope, tally.receive, tally.send, {}), InternalError(), tally)

    def _note(self, tally: Tally) -> None:
        """The audit log's entry is kept before the answer leaves: whoever has seen a byte of it is in the log."""
        if self.noting is not None:
            if tally.route == UNMATCHED:
                tally.route = _route_of(tally.scope)
            self.noting.note(tally)

    async def _answer(self, exchange: Exchange[Any], error: ArtStoreError, tally: Tally) -> None:
        tally.code = error.code
        tally.cause = f"{error.__cause__!r}"[:500] if error.__cause__ and error.status >= 500 else ""
        if isinstance(error, IncompleteBody) and tally.disconnected:
            tally.status = CLIENT_GONE
        elif tally.finished:
            return  # FastAPI has answered already
        elif tally.started:
            # The status is gone already: only a cut connection can tell the receiver that this is not the whole.
            raise error
        else:
            await exchange.answer_error(error, tally.request_id)


def note_code(scope: Scope, code: str) -> None:
    """Say with which error code FastAPI answered, for the request's line in the access log."""
    noted_of(scope).code = code


def _route_of(scope: Scope) -> str:
    """The route's template. FastAPI's route does not know the prefix under which its router was included."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is None:
        return UNMATCHED
    return API_PREFIX + path if scope["path"].startswith(f"{API_PREFIX}/") else path


class _Limited:
    """Receives a body of bounded size, whoever sends it: it is read before anybody is asked for a token."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._left = BODY_LIMIT_BYTES
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > BODY_LIMIT_BYTES:
            raise BodyTooLarge

    async def receive(self) -> Message:
        try:
            message = await self._receive()
        except BodyTimeout as error:
            raise HTTPException(error.status, headers=error.headers) from error
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)  # FastAPI takes anything else that is raised here for broken JSON
        return message


def _kept_or_made(given: bytes | None) -> str:
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return token_hex(16)
