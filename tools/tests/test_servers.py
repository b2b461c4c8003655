"""The embedded PostgreSQL and Redis are real, closed to strangers, and survive a kill."""

import asyncio
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from tools.fleet import unprivileged
from tools.fleet.databases import PostgresCluster, with_database
from tools.fleet.directories import open_directory
from tools.fleet.errors import FleetError
from tools.fleet.fleet import Fleet
from tools.fleet.ports import free_ports
from tools.fleet.postgres import BIN_SETTING, PostgresServer, find_binaries
from tools.fleet.servers import POSTGRES_SETTING, REDIS_SETTING
from tools.fleet.valkey import ValkeyServer


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with open_directory() as path:
        yield path


async def value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_database_is_made_and_speaks_russian(postgres_server: PostgresCluster) -> None:
    url = postgres_server.create_database("made_here")

    assert await value(url, "SELECT upper('договор')") == "ДОГОВОР"
    assert await value(url, "SELECT 'Договор' ILIKE 'дОГОВОР'") is True


async def test_a_service_owns_its_database_and_nothing_else(postgres_server: PostgresCluster) -> None:
    url = postgres_server.ensure_service("artstore_one", "first")
    postgres_server.ensure_service("artstore_two", "second")
    own = url.replace("artstore_one@", "artstore_one:first@")

    await value(own, "CREATE EXTENSION pg_trgm")
    assert (
        await value(own, "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        is False
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await value(with_database(own, "artstore_two"), "SELECT 1")


async def test_an_administrator_who_is_no_superuser_is_enough(postgres_server: PostgresCluster) -> None:
    await value(postgres_server.url, "CREATE ROLE ruler LOGIN CREATEDB CREATEROLE PASSWORD 'rules'")
    where = urlsplit(postgres_server.url)
    ruler = PostgresCluster(f"postgresql://ruler:rules@{where.hostname}:{where.port}/postgres")

    url = ruler.ensure_service("artstore_ruled", "first")
    ruler.ensure_service("artstore_ruled", "second")
    ruler.set_note("artstore_ruled", "seen")

    assert await value(url.replace("artstore_ruled@", "artstore_ruled:second@"), "CREATE TABLE t AS SELECT 1") is None
    assert ruler.note("artstore_ruled") == "seen"


async def test_a_wrong_password_is_refused(postgres_server: PostgresCluster) -> None:
    where = urlsplit(postgres_server.url)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await value(f"postgresql://postgres:wrong@{where.hostname}:{where.port}/postgres", "SELECT 1")


def test_a_note_lives_with_its_database(postgres_server: PostgresCluster) -> None:
    postgres_server.create_database("noted")
    postgres_server.set_note("noted", "abc")
    assert postgres_server.note("noted") == "abc"
    postgres_server.create_database("noted")
    assert postgres_server.note("noted") is None


def test_postgres_runs_from_and_in_a_place_that_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone beneath /root or `mktemp -d`, where root may not run it and its user may not go."""
    tmp_path.chmod(0o700)
    monkeypatch.delenv(BIN_SETTING, raising=False)
    package, clone = find_binaries().parents[1], tmp_path / "my clone"
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), clone / name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setenv(BIN_SETTING, str(clone / package.name / "pginstall" / "bin"))
    server = PostgresServer(clone / "data", port=free_ports(1)[0], password="x", log=tmp_path / "p.log")
    try:
        server.start()
        assert asyncio.run(value(server.cluster.url, "SELECT current_setting('fsync')")) == "on"
    finally:
        server.stop()


def test_a_fleet_that_is_thrown_away_uses_no_server_of_yours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: PostgresCluster
) -> None:
    monkeypatch.setenv(POSTGRES_SETTING, postgres_server.url)
    monkeypatch.setenv(REDIS_SETTING, "redis://yours")
    with Fleet.temporary(tmp_path) as fleet:
        fleet.start_servers()
        assert {name for name, part in fleet.parts.items() if part.process.alive} == {"postgres", "redis"}
        assert fleet.servers.cluster != postgres_server
    assert not list(tmp_path.iterdir())


def test_a_user_who_cannot_reach_it_gets_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that was started without the right to pass through closed directories."""
    if unprivileged.account() is None:
        pytest.skip("only root has to become another user")
    tmp_path.chmod(0o700)
    monkeypatch.setattr(unprivileged, "READ_BENEATH_PRIVATE_PARENTS", ("--ambient-caps=-all",))
    with pytest.raises(FleetError, match=r"cannot reach .* --data DIR"):
        unprivileged.prefix(find_binaries() / "postgres", tmp_path)


def test_postgres_keeps_what_it_committed_through_a_kill(directory: Path) -> None:
    server = PostgresServer(
        directory / "postgres", port=free_ports(1)[0], password=secrets.token_urlsafe(), log=directory / "p.log"
    )
    server.start()
    try:
        asyncio.run(value(server.cluster.url, "CREATE TABLE kept AS SELECT 7 AS number"))
        server.kill()
        server.start()
        assert asyncio.run(value(server.cluster.url, "SELECT number FROM kept")) == 7
    finally:
        server.stop()
    assert not server.process.alive


def test_postgres_waits_for_a_child_that_outlived_its_parent(directory: Path) -> None:
    server = PostgresServer(directory / "slow", port=free_ports(1)[0], password="x", log=directory / "slow.log")
    server.start()
    try:
        assert server.process.pid
        child = psutil.Process(server.process.pid).children()[0]
        child.suspend()  # so that it does not see that its parent has gone
        server.kill()
        threading.Timer(0.5, child.resume).start()
        server.start()
        assert "pre-existing shared memory block" in (directory / "slow.log").read_text()
    finally:
        server.stop()


def test_redis_asks_for_its_password_and_keeps_its_data(directory: Path) -> None:
    server = ValkeyServer(directory / "redis", port=free_ports(1)[0], password="right", log=directory / "r.log")
    server.start()
    try:
        with Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
        with Redis.from_url(server.url) as client:
            client.set("key", "value")
        server.stop()
        server.start()
        with Redis.from_url(server.url) as client:
            assert client.get("key") == b"value"
    finally:
        server.stop()
