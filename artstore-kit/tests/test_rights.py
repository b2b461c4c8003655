"""A route declares what it demands, and demands just that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter

from artstore_kit.application import Application, build_app, needs
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.principal import Principal
from artstore_kit.rights import GRANT_FIELD, PUBLIC, SCHEME, Rights
from artstore_kit.settings import ServerSettings, ServiceSettings
from artstore_kit.testing.application import open_client
from artstore_kit.testing.tokens import TokenMint

BOTH = (Scope.FILES_READ, Scope.FLEET_ACT_FOR)
Reading = Annotated[Principal, needs(Scope.FILES_READ, grant=Action.READ)]


@pytest.fixture
def mint() -> TokenMint:
    return TokenMint()


@pytest.fixture
def app(mint: TokenMint) -> Application:
    router = APIRouter(prefix="/notes")

    @router.get("")
    async def read(who: Reading) -> str:
        return who.subject

    @router.get("/open", openapi_extra=PUBLIC)
    async def public() -> str:
        return "everybody"

    @router.get("/mine", dependencies=[needs()])
    async def mine() -> str:
        return "whoever is known"

    async def raw(exchange: Exchange[None]) -> None:
        await exchange.answer(200, [], (await exchange.authenticate()).subject.encode())

    @asynccontextmanager
    async def nothing(_: object) -> AsyncIterator[None]:
        yield

    return build_app(
        "frame",
        settings=ServiceSettings(server=ServerSettings(port=0), tokens=mint.settings()),
        open_services=nothing,
        routers=[router],
        byte_routes=[ByteRoute(["GET"], "/api/v1/raw", raw, {"summary": "Raw"}, Rights(BOTH))],
        checks=lambda _: [],
        issuer=lambda _: mint,
    )


@pytest.fixture
async def client(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(app) as client:
        yield client


def test_the_openapi_document_tells_what_each_route_demands(app: Application) -> None:
    document = app.openapi()

    def declared(path: str) -> Any:
        operation = document["paths"][path]["get"]
        return operation["security"], operation.get(GRANT_FIELD)

    assert declared("/api/v1/notes") == ([{SCHEME: ["files:read"]}], "read")
    assert declared("/api/v1/notes/open") == ([], None)
    assert declared("/api/v1/notes/mine") == ([{SCHEME: []}], None)
    assert declared("/api/v1/raw") == ([{SCHEME: ["files:read", "fleet:act-for"]}], None)
    assert declared("/health/live") == declared("/metrics") == ([], None)
    flow = document["components"]["securitySchemes"][SCHEME]["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == {scope.value for scope in Scope}


async def test_what_is_declared_is_demanded(client: httpx.AsyncClient, mint: TokenMint) -> None:
    async def asked(path: str, *scopes: Scope) -> tuple[int, str]:
        answer = await client.get(path, headers=mint.bearer(scopes=scopes))
        return answer.status_code, "" if answer.is_success else answer.json()["code"]

    assert await asked("/api/v1/notes") == (403, "scope_missing")
    assert await asked("/api/v1/notes", Scope.FILES_READ) == (200, "")
    assert await asked("/api/v1/notes/mine") == (200, "")
    for scope in BOTH:
        assert await asked("/api/v1/raw", scope) == (403, "scope_missing")
    assert await asked("/api/v1/raw", *BOTH) == (200, "")


@pytest.mark.parametrize("path", ["/api/v1/notes", "/api/v1/notes/mine", "/api/v1/raw"])
async def test_nobody_comes_in_without_a_token(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert (await client.get("/api/v1/notes/open")).json() == "everybody"
