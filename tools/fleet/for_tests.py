"""One PostgreSQL and one Redis for a whole test run, in a temporary directory, or the ones you name."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tools.fleet.databases import PostgresCluster
from tools.fleet.directories import open_directory
from tools.fleet.ports import free_ports
from tools.fleet.postgres import PostgresServer
from tools.fleet.valkey import ValkeyServer


@contextmanager
def temporary_postgres() -> Iterator[PostgresCluster]:
    with temporary_postgres_server() as server:
        yield server.cluster


@contextmanager
def temporary_postgres_server() -> Iterator[PostgresServer]:
    """One that the test may stop and start again."""
    with open_directory() as directory:
        server = PostgresServer(
            directory / "data",
            port=free_ports(1)[0],
            password=secrets.token_urlsafe(),
            log=directory / "postgres.log",
            durable=False,
        )
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextmanager
def temporary_redis() -> Iterator[str]:
    with open_directory() as directory:
        server = ValkeyServer(
            directory / "data",
            port=free_ports(1)[0],
            password=secrets.token_urlsafe(),
            log=directory / "redis.log",
            durable=False,
        )
        try:
            server.start()
            yield server.url
        finally:
            server.kill()
