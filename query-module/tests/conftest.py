"""The query module's own fixtures; real PostgreSQL and Valkey come from the root."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from artstore_kit.application import Application
from artstore_kit.postgres import Database
from artstore_kit.settings import AuditSettings, PostgresSettings, RedisSettings, ServerSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import open_client, open_server
from artstore_kit.testing.element import StandInElement, open_element
from query_module.adapters.reads import Reads
from query_module.config import ElementsSettings, Settings
from query_module.main import create_app


@pytest.fixture(scope="session")
def service_package() -> str:
    """Whose migrations the kit's fixtures run."""
    return "query_module"


@pytest.fixture
async def index(postgres: PostgresSettings) -> AsyncIterator[Database]:
    """The empty search index, to be written."""
    database = Database(postgres, "tests")
    yield database
    await database.close()


@pytest.fixture
async def reads(postgres: PostgresSettings) -> AsyncIterator[Reads]:
    """The search index, to be read."""
    reads = Reads(postgres)
    yield reads
    await reads.close()


@pytest.fixture
async def element(admin: AdminStandIn) -> AsyncIterator[StandInElement]:
    """A storage element that the admin module knows."""
    async with open_element("edit-1") as element:
        admin.show([element.view()])
        yield element


@pytest.fixture
def settings(
    postgres: PostgresSettings,
    redis_settings: RedisSettings,
    admin: AdminStandIn,
    new_spool: Callable[[], AuditSettings],
) -> Settings:
    """Settings of a query module among these."""
    return _settings(postgres, redis_settings, admin, new_spool())


@pytest.fixture
def app(settings: Settings) -> Application:
    """The query module, not started yet."""
    return create_app(settings)


@pytest.fixture(scope="module")
async def standing_client(
    migrated_postgres: PostgresSettings,
    redis_url: str,
    running_admin: AdminStandIn,
    new_spool: Callable[[], AuditSettings],
) -> AsyncIterator[httpx.AsyncClient]:
    """Someone who may read everything, where there is nothing: one running query module for many questions."""
    running_admin.reset()
    redis = RedisSettings(url=redis_url, password=None, timeout_s=1)
    settings = _settings(migrated_postgres, redis, running_admin, new_spool())
    async with open_client(create_app(settings), running_admin.mint.bearer()) as client:
        yield client


@pytest.fixture
async def client(app: Application, element: StandInElement, admin: AdminStandIn) -> AsyncIterator[httpx.AsyncClient]:
    """Someone who may read everything, and a running query module that knows `element`."""
    async with open_client(app, admin.mint.bearer()) as client:
        yield client


@pytest.fixture
async def server(app: Application, element: StandInElement) -> AsyncIterator[str]:
    """The address of a running query module, for tests in which connections matter."""
    async with open_server(app) as url:
        yield url


def _settings(postgres: PostgresSettings, redis: RedisSettings, admin: AdminStandIn, audit: AuditSettings) -> Settings:
    return Settings(
        server=ServerSettings(port=0),
        tokens=admin.token_settings(),
        postgres=postgres,
        redis=redis,
        account=admin.account("query-module"),
        admin=admin.address(),
        audit=audit,
        elements=ElementsSettings(deadline_s=1.0),
    )
