"""The pytest plugin of the repository; each service's conftest names its package in `service_package`."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

import pytest

from artstore_kit.migrate import upgrade
from artstore_kit.postgres import Database
from artstore_kit.redis import RedisClient, connect
from artstore_kit.settings import AuditSettings, PostgresSettings, RedisSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.databases import settings_for, truncate
from artstore_kit.testing.tokens import TokenMint


class PostgresServer(Protocol):
    """What the root conftest's `postgres_server` gives."""

    def create_database(self, name: str) -> str:
        """An empty database; its URL."""
        ...


@pytest.fixture(scope="session")
def service_package() -> str:
    """The package whose migrations `postgres` runs; overridden by each service."""
    raise NotImplementedError("override `service_package` in the service's conftest.py")


@pytest.fixture(scope="module")
async def migrated_postgres(
    postgres_server: PostgresServer, service_package: str, request: pytest.FixtureRequest
) -> PostgresSettings:
    """A database of this test module, with the service's tables."""
    name = re.sub(r"\W", "_", f"{service_package}_{request.path.stem}")[-63:]
    settings = settings_for(postgres_server.create_database(name))
    await upgrade(settings, service_package)
    return settings


@pytest.fixture
async def postgres(migrated_postgres: PostgresSettings) -> PostgresSettings:
    """The module's database, with every table empty."""
    await truncate(migrated_postgres)
    return migrated_postgres


@pytest.fixture
async def database(postgres: PostgresSettings) -> AsyncIterator[Database]:
    """Connections to the module's database, with every table empty."""
    database = Database(postgres, "tests")
    yield database
    await database.close()


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[RedisClient]:
    """A client of an empty Redis."""
    client = connect(redis_settings)
    yield client
    await client.aclose()


@pytest.fixture
async def redis_settings(redis_url: str) -> RedisSettings:
    """Settings for an empty Redis."""
    settings = RedisSettings(url=redis_url, password=None, timeout_s=1)
    client = connect(settings)
    await client.flushdb()
    await client.aclose()
    return settings


@pytest.fixture(scope="session")
def new_spool(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AuditSettings]:
    """Settings of an audit spool of its own, each time."""
    return lambda: AuditSettings(spool_dir=tmp_path_factory.mktemp("spool"))


@pytest.fixture(scope="session")
def mint() -> TokenMint:
    """Signs tokens for tests of services that take their keys from it."""
    return TokenMint()


@pytest.fixture(scope="session")
def running_admin() -> Iterator[AdminStandIn]:
    """One stand-in for the admin module, for the whole run."""
    with AdminStandIn() as admin:
        yield admin


@pytest.fixture
def admin(running_admin: AdminStandIn) -> AdminStandIn:
    """The stand-in for the admin module as if just started: no elements, no faults."""
    running_admin.reset()
    return running_admin
