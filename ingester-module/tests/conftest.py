"""An ingester on a real port, with stand-ins for the admin module and two storage elements."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from artstore_kit.contracts.modes import Mode
from artstore_kit.settings import AuditSettings, RedisSettings, ServerSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import open_server
from artstore_kit.testing.element import StandInElement, open_element
from ingester_module.config import PlacementSettings, PublicSettings, Settings, UploadsSettings
from ingester_module.main import create_app

type Start = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def edit() -> AsyncIterator[StandInElement]:
    """Takes temporary files."""
    async with open_element("edit-1") as element:
        yield element


@pytest.fixture
async def rw() -> AsyncIterator[StandInElement]:
    """Takes permanent files."""
    async with open_element("rw-1", Mode.RW) as element:
        yield element


@pytest.fixture
async def start(
    admin: AdminStandIn, redis_settings: RedisSettings, new_spool: Callable[[], AuditSettings]
) -> AsyncIterator[Start]:
    """`await start(edit, rw, uploads=..., placement=..., redis=...)`: a client of an ingester that knows them."""
    async with AsyncExitStack() as stack:

        async def start_one(
            *elements: StandInElement,
            uploads: UploadsSettings | None = None,
            placement: PlacementSettings | None = None,
            redis: RedisSettings | None = None,
        ) -> httpx.AsyncClient:
            admin.show(element.view() for element in elements)
            settings = Settings(
                server=ServerSettings(port=0),
                tokens=admin.token_settings(),
                redis=redis or redis_settings,
                account=admin.account("ingester-module"),
                admin=admin.address(),
                audit=new_spool(),
                uploads=uploads or UploadsSettings(),
                placement=placement or PlacementSettings(),
                public=PublicSettings(query_url="http://query.test"),
            )
            return await stack.enter_async_context(_running(settings, admin))

        yield start_one


@pytest.fixture
async def second() -> AsyncIterator[StandInElement]:
    """Another edit element, which is filled after the first."""
    async with open_element("edit-2", priority=200) as element:
        yield element


@pytest.fixture
async def client(start: Start, edit: StandInElement, rw: StandInElement) -> httpx.AsyncClient:
    """A client, with all rights, of an ingester that knows `edit` and `rw`."""
    return await start(edit, rw)


@asynccontextmanager
async def _running(settings: Settings, admin: AdminStandIn) -> AsyncIterator[httpx.AsyncClient]:
    alice = admin.mint.bearer("alice")
    async with (
        open_server(create_app(settings)) as url,
        httpx.AsyncClient(base_url=url, headers=alice, timeout=30, verify=False) as client,
    ):
        yield client
