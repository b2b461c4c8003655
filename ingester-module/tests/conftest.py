"""An ingester on a real port, with stand-ins for the admin module and two storage elements."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx
import pytest

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.identity import Grant, Scope
from artstore_kit.contracts.modes import Mode
from artstore_kit.settings import RedisSettings, ServerSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import open_server
from artstore_kit.testing.element import StandInElement, open_element
from artstore_kit.testing.tokens import EVERYTHING
from ingester_module.config import PlacementSettings, PublicSettings, Settings, UploadsSettings
from ingester_module.main import create_app

FILES = "/api/v1/files"


@dataclass(frozen=True)
class Ingester:
    """A running ingester and what it stands among."""

    url: str
    http: httpx.AsyncClient
    admin: AdminStandIn

    def bearer(
        self, subject: str = "alice", *, scopes: Sequence[Scope] = tuple(Scope), grants: Sequence[Grant] = (EVERYTHING,)
    ) -> dict[str, str]:
        """An `Authorization` header of a person or client."""
        return {"Authorization": f"Bearer {self.admin.mint.mint(subject, scopes=scopes, grants=grants)}"}

    async def upload(
        self, content: bytes = b"a document", headers: dict[str, str] | None = None, **query: str
    ) -> httpx.Response:
        """A raw body, described in the query."""
        return await self.http.post(FILES, params={"name": "a.txt"} | query, content=content, headers=headers)

    async def stored(self, content: bytes = b"a document", **query: str) -> FileAttributes:
        """A file that was taken in."""
        answer = await self.upload(content, **query)
        assert answer.status_code == 201, answer.text
        return FileAttributes.model_validate_json(answer.content)


class Start(Protocol):
    """Starts an ingester that knows these elements."""

    async def __call__(
        self,
        *elements: StandInElement,
        uploads: UploadsSettings = ...,
        placement: PlacementSettings = ...,
        redis: RedisSettings | None = None,
    ) -> Ingester: ...


@pytest.fixture
async def edit() -> AsyncIterator[StandInElement]:
    async with open_element("edit-1") as element:
        yield element


@pytest.fixture
async def rw() -> AsyncIterator[StandInElement]:
    async with open_element("rw-1", Mode.RW) as element:
        yield element


@pytest.fixture
async def start(admin: AdminStandIn, redis_settings: RedisSettings) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start_one(
            *elements: StandInElement,
            uploads: UploadsSettings = UploadsSettings(),  # noqa: B008 (immutable)
            placement: PlacementSettings = PlacementSettings(),  # noqa: B008
            redis: RedisSettings | None = None,
        ) -> Ingester:
            admin.show(element.view() for element in elements)
            settings = Settings(
                server=ServerSettings(port=0),
                tokens=admin.token_settings(),
                redis=redis or redis_settings,
                account=admin.account("ingester-module"),
                admin=admin.address(),
                uploads=uploads,
                placement=placement,
                public=PublicSettings(query_url="http://query.test"),
            )
            return await stack.enter_async_context(_running(settings, admin))

        yield start_one


@pytest.fixture
async def ingester(start: Start, edit: StandInElement, rw: StandInElement) -> Ingester:
    return await start(edit, rw)


@asynccontextmanager
async def _running(settings: Settings, admin: AdminStandIn) -> AsyncIterator[Ingester]:
    async with open_server(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=30) as http:
        ingester = Ingester(url, http, admin)
        http.headers.update(ingester.bearer())
        yield ingester
