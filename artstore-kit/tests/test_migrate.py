"""Migrations of a small package, run on a real database."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.migrate import migrate, pending, upgrade
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.application import free_port
from artstore_kit.testing.databases import settings_for, truncate
from artstore_kit.testing.fixtures import PostgresServer

REVISION = """
from alembic import op

revision = "{number}"
down_revision = {parent!r}


def upgrade() -> None:
    op.execute("CREATE TABLE table_{number} (id int PRIMARY KEY)")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    versions = tmp_path / "migrated_package" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrated_package" / "__init__.py").touch()
    (versions / "0001_first.py").write_text(REVISION.format(number="0001", parent=None))
    (versions / "0002_second.py").write_text(REVISION.format(number="0002", parent="0001"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "migrated_package"


@pytest.fixture
def settings(postgres_server: PostgresServer) -> PostgresSettings:
    return settings_for(postgres_server.create_database("kit_migrate"))


async def _pending(settings: PostgresSettings, package: str) -> list[str]:
    database = Database(settings)
    try:
        return await pending(database, package)
    finally:
        await database.close()


async def test_all_revisions_run_once(settings: PostgresSettings, package: str) -> None:
    assert await _pending(settings, package) == ["0001", "0002"]
    assert await upgrade(settings, package) == ["0001", "0002"]
    assert await upgrade(settings, package) == []
    assert await _pending(settings, package) == []


async def test_services_that_start_together_do_not_collide(settings: PostgresSettings, package: str) -> None:
    runs = await asyncio.gather(*(upgrade(settings, package) for _ in range(4)))
    assert sorted(runs, key=len) == [[], [], [], ["0001", "0002"]]


async def test_a_database_newer_than_the_code_is_left_alone(settings: PostgresSettings, package: str) -> None:
    await upgrade(settings, package)
    database = Database(settings)
    async with database.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    await database.close()
    assert await _pending(settings, package) == []
    assert await upgrade(settings, package) == []


async def test_it_waits_for_a_server_that_comes_up(package: str) -> None:
    absent = settings_for(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailable):
        await upgrade(absent, package, wait_s=0.5)
    assert 0.5 <= asyncio.get_running_loop().time() - began < 2


async def test_it_does_not_wait_for_a_database_that_is_not_there(settings: PostgresSettings, package: str) -> None:
    missing = settings.model_copy(update={"url": settings.url.replace("kit_migrate", "no_such_database")})
    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailable):
        await upgrade(missing, package, wait_s=30)
    assert asyncio.get_running_loop().time() - began < 5


async def test_truncate_keeps_the_revision(settings: PostgresSettings, package: str) -> None:
    await upgrade(settings, package)
    database = Database(settings)
    async with database.transaction() as connection:
        await connection.execute(sa.text("INSERT INTO table_0001 VALUES (1)"))
    await truncate(settings)
    async with database.connect() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM table_0001")) == 0
    assert await pending(database, package) == []
    await database.close()


def test_the_command_needs_no_loop(settings: PostgresSettings, package: str) -> None:
    assert migrate(settings, package) == ["0001", "0002"]
