"""Elements for tests, their directories on a file system that syncs at once."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
import s3_servers
from memory_storage import MemoryStore
from running_element import Element, ElementAt, SettingsAt
from sides import BucketSide, LocalSide, NewSide, Side
from stopped_element import Stopped, stopped_element

from artstore_kit.logs import start_logging
from artstore_kit.settings import LogSettings, PostgresSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.disks import mounted
from storage_element.adapters.s3.client import open_client

MEMORY = Path("/dev/shm")
SIDES = ("memory", "local", "moto", "seaweed")


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    """As a service writes them: structlog's own way of showing tracebacks takes a second each."""
    start_logging("storage-element", LogSettings(level="INFO"))


@pytest.fixture(autouse=True)
def _audit_spool_of_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where `artstore-element` tells the audit log of what it does."""
    monkeypatch.setenv("ARTSTORE_AUDIT__SPOOL_DIR", str(tmp_path / "audit"))


@pytest.fixture(scope="session")
def service_package() -> str:
    """Whose migrations are run."""
    return "storage_element"


@pytest.fixture
def root() -> Iterator[Path]:
    """An empty directory."""
    with _directory() as directory:
        yield directory / "element"


@contextmanager
def _directory() -> Iterator[Path]:
    """In memory where that is possible: a `syncfs` of a busy disk takes seconds."""
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where, prefix="artstore-element-") as directory:
        yield Path(directory)


@pytest.fixture
async def stopped(element_at: ElementAt, root: Path) -> Stopped:
    """An element that was stopped in order."""
    return await stopped_element(element_at, root)


@pytest.fixture
def settings_at(admin: AdminStandIn, migrated_postgres: PostgresSettings) -> SettingsAt:
    """Settings of elements that share the module's database."""
    return SettingsAt(admin, migrated_postgres)


@pytest.fixture
def bearer(admin: AdminStandIn) -> dict[str, str]:
    """Headers of a caller who may do everything, for a quarter of an hour: no test takes longer, all of them do."""
    return admin.mint.bearer()


@pytest.fixture
def element_at(settings_at: SettingsAt, postgres: PostgresSettings, bearer: dict[str, str]) -> ElementAt:
    """Runs an element; the index is empty at first."""
    return partial(settings_at.running, headers=bearer)


@pytest.fixture
async def element(element_at: ElementAt, root: Path) -> AsyncIterator[Element]:
    """A new element of mode edit."""
    async with element_at(root) as element:
        yield element


@pytest.fixture(scope="module")
async def lasting_element(running_admin: AdminStandIn, migrated_postgres: PostgresSettings) -> AsyncIterator[Element]:
    """One element of mode edit for a whole module, whose tests must not mind each other's files."""
    settings_at = SettingsAt(running_admin, migrated_postgres)
    with _directory() as directory:
        async with settings_at.running(directory / "element", running_admin.mint.bearer()) as element:
            yield element


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A store that is quickly there, with an empty bucket."""
    with s3_servers.moto() as url:
        _make_bucket(url)
        yield url


@pytest.fixture(scope="session")
def seaweed_url() -> Iterator[str]:
    """A real store, with an empty bucket."""
    with s3_servers.seaweed() as url:
        _make_bucket(url)
        yield url


def _make_bucket(url: str) -> None:
    keys = {"aws_access_key_id": s3_servers.KEY, "aws_secret_access_key": s3_servers.SECRET}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    client.create_bucket(Bucket=s3_servers.BUCKET)
    client.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB that nobody else writes to; needs root."""
    with mounted(tmp_path / "disk", "size=1m") as disk:
        yield disk


@pytest.fixture(params=SIDES)
def new_side(request: pytest.FixtureRequest, root: Path) -> NewSide:
    """Makes one side after the other, each as often as a test wants."""
    if request.param == "memory":
        return MemoryStore
    if request.param == "local":
        return lambda: LocalSide(root / uuid4().hex)
    client = request.getfixturevalue(f"{request.param}_client")
    url = request.getfixturevalue(f"{request.param}_url")
    return lambda: BucketSide(client, s3_servers.settings_of(url, uuid4().hex))


@pytest.fixture
def side(new_side: NewSide) -> Side:
    """One of each."""
    return new_side()


@pytest.fixture(scope="session")
async def moto_client(moto_url: str) -> AsyncIterator[Any]:
    """One connection to moto for all tests."""
    async with open_client(s3_servers.settings_of(moto_url, "")) as client:
        yield client


@pytest.fixture(scope="session")
async def seaweed_client(seaweed_url: str) -> AsyncIterator[Any]:
    """One connection to SeaweedFS for all tests."""
    async with open_client(s3_servers.settings_of(seaweed_url, "")) as client:
        yield client
