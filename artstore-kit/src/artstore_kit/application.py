"""`build_app()`: the application frame that all four services share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException

from artstore_kit.audit.declared import Declarations
from artstore_kit.audit.noting import Noting
from artstore_kit.audit.spool import Spool
from artstore_kit.contracts.errors import (
    PROBLEM_HEADERS,
    ArtStoreError,
    BadRequest,
    BodyTimeout,
    BodyTooLarge,
    FieldProblem,
    InternalError,
    InvalidFields,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, ACTING_FROM_HEADER, Action, Scope
from artstore_kit.exchange import ByteRoute
from artstore_kit.frame import API_PREFIX, Frame, note_code
from artstore_kit.health import Check, health_router
from artstore_kit.logs import event_logger, start_logging
from artstore_kit.metrics import metrics_router
from artstore_kit.principal import Principal
from artstore_kit.request_context import request_id
from artstore_kit.rights import SCHEME, Rights, security_scheme
from artstore_kit.settings import ServerSettings, ServiceSettings
from artstore_kit.start import StartRefused
from artstore_kit.tokens.bearer import TokenVerifier
from artstore_kit.tokens.issuer import Issuer
from artstore_kit.tokens.issuer_watch import watched
from artstore_kit.tracing import start_tracing

VERSION = "0.1.0"


class Application(FastAPI):
    """FastAPI within the frame: byte routes go around it, errors are answered in one place."""

    def __init__(self, byte_routes: Sequence[ByteRoute[Any]], server: ServerSettings, **options: Any) -> None:
        super().__init__(**options)
        self.byte_routes = byte_routes
        self.refusal = ""
        self.frame = Frame(super().__call__, byte_routes, self, server)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Every request passes the frame first."""
        await self.frame(scope, receive, self._telling_plainly(send) if scope["type"] == "lifespan" else send)

    def _telling_plainly(self, send: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        """A start that was refused is told by its reason; a traceback would say nothing more."""

        async def tell(message: Any) -> None:
            await send({**message, "message": self.refusal} if self.refusal and "message" in message else message)

        return tell

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, byte routes included."""
        if self.openapi_schema is None:
            document = super().openapi()
            _declare_rights(self, document)
            for route in self.byte_routes:
                for method in route.methods:
                    document["paths"].setdefault(route.path, {})[method.lower()] = route.operation()
            document["paths"] = dict(sorted(document["paths"].items()))
        return self.openapi_schema or {}


def build_app[Services](
    title: str,
    *,
    settings: ServiceSettings,
    open_services: Callable[[asyncio.Event], AbstractAsyncContextManager[Services]],
    routers: Sequence[APIRouter],
    byte_routes: Sequence[ByteRoute[Services]] = (),
    checks: Callable[[Services], Sequence[Check]],
    issuer: Callable[[Services], Issuer],
    spool: Callable[[Services], Spool] | None = None,
    audited: Declarations | None = None,
) -> Application:
    """Compose a service.

    `open_services` is entered when the application starts and left, in reverse order, when it stops; it is given
    the event that is set as soon as stopping begins, so that long polls end. `issuer` is whom keys and revocations
    are asked of. What `audited` declares is noted in the spool.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        start_logging(title, settings.log)
        async with (
            start_tracing(title, settings.tracing),
            _refusal_kept(cast(Application, app)),
            open_services(app.state.stopping) as services,
            watched(settings, issuer(services)) as verifier,
        ):
            app.state.verifier = verifier
            app.state.services = services
            if spool:
                cast(Application, app).frame.noting = Noting(spool(services), audited or {})
            event_logger().info("started", host=settings.server.host, port=settings.server.port)
            yield
            event_logger().info("stopping")
            cast(Application, app).frame.close()

    app = Application(
        byte_routes,
        settings.server,
        title=title,
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={"default": {"model": Problem, "description": "What went wrong, and what to do about it."}},
    )
    app.state.stopping = asyncio.Event()
    for router in routers:
        app.include_router(router, prefix="" if router.prefix.startswith("/.well-known") else API_PREFIX)
    app.include_router(health_router(lambda: [*checks(app.state.services), app.state.verifier.check]))
    app.include_router(metrics_router())
    _answer_errors(app)
    return app


@asynccontextmanager
async def _refusal_kept(app: Application) -> AsyncIterator[None]:
    try:
        yield
    except (StartRefused, ArtStoreError) as error:
        app.refusal = str(error)
        raise


def services_of[Services](kind: type[Services]) -> Callable[[Request], Awaitable[Services]]:
    """The dependency that gives a handler the service's `kind` of services.

    Async, like all dependencies here: for one that is not, FastAPI goes through a thread at each request.
    """

    async def services(request: Request) -> Services:
        return cast(Services, request.app.state.services)

    services.__doc__ = kind.__doc__
    return services


async def _authenticate(request: Request) -> Principal:
    verifier: TokenVerifier = request.app.state.verifier
    headers = request.headers
    return await verifier.authenticate(
        headers.get("authorization"), headers.get(ACTING_FOR_HEADER), headers.get(ACTING_FROM_HEADER)
    )


Authenticated = Annotated[Principal, Depends(_authenticate)]


def needs(*scopes: Scope, grant: Action | None = None) -> Any:
    """The dependency of a handler that needs `scopes`: `who: Annotated[Principal, needs(Scope.FILES_READ)]`.

    `grant` says what the handler will ask `who.require_grant` for. A handler that needs no token is declared by
    `openapi_extra=PUBLIC`.
    """
    return Depends(_Demand(Rights(scopes, grant)))


@dataclass(frozen=True)
class _Demand:
    rights: Rights

    async def __call__(self, principal: Authenticated) -> Principal:
        return self.rights.check(principal)


def _declare_rights(app: Application, document: dict[str, Any]) -> None:
    """Each operation tells what its handler demands."""
    document.setdefault("components", {})["securitySchemes"] = {SCHEME: security_scheme()}
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for rights in _demanded(route.dependant):
                for method in route.methods or ():
                    document["paths"][route.path_format][method.lower()].update(rights.declared())


def _demanded(dependant: Dependant) -> Iterator[Rights]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, _Demand):
            yield dependency.call.rights
        yield from _demanded(dependency)


def _answer_errors(app: FastAPI) -> None:
    handlers: Mapping[Any, _Meaning] = {
        ArtStoreError: lambda error, _: cast(ArtStoreError, error),
        RequestValidationError: lambda error, _: _invalid(cast(RequestValidationError, error)),
        HTTPException: lambda error, request: _from_http(cast(HTTPException, error), request),
        Exception: lambda *_: InternalError(),
    }
    for kind, meaning in handlers.items():
        app.add_exception_handler(kind, _answering(meaning))


type _Meaning = Callable[[Exception, Request], ArtStoreError]


def _answering(meaning: _Meaning) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, raised: Exception) -> Response:
        error = meaning(raised, request)
        note_code(request.scope, error.code)
        body = error.problem(request_id.get()).model_dump_json(exclude_defaults=True)
        return Response(body, error.status, {**PROBLEM_HEADERS, **error.headers}, "application/problem+json")

    return answer


def _invalid(error: RequestValidationError) -> ArtStoreError:
    problems = [FieldProblem(field=".".join(map(str, p["loc"])), message=p["msg"]) for p in error.errors()]
    if any(p["type"] == "json_invalid" for p in error.errors()):
        return BadRequest("The body is not valid JSON.", errors=problems)
    return InvalidFields(f"{problems[0].field}: {problems[0].message}", errors=problems)


def _from_http(error: HTTPException, request: Request) -> ArtStoreError:
    """FastAPI knows nothing of the byte routes: where it sees no address there may be one of theirs."""
    allowed = [m for r in request.app.byte_routes if r.pattern.fullmatch(request.url.path) for m in r.methods]
    if error.status_code in {404, 405} and allowed:
        known = (error.headers or {}).get("Allow")
        return MethodNotAllowed(headers={"Allow": ", ".join([*allowed, *([known] if known else [])])})
    kind = {404: NotFound, 405: MethodNotAllowed, 408: BodyTimeout, 413: BodyTooLarge}.get(
        error.status_code, BadRequest
    )
    return kind(headers=error.headers)
