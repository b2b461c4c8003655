"""PostgreSQL and Redis for a fleet: our own from packages, or yours when the environment names them."""

import os
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

from tools.fleet.databases import PostgresCluster
from tools.fleet.layout import Layout
from tools.fleet.ports import Ports
from tools.fleet.postgres import PostgresServer
from tools.fleet.secrets import Secrets
from tools.fleet.valkey import ValkeyServer

POSTGRES_SETTING = "ARTSTORE_POSTGRES_URL"
REDIS_SETTING = "ARTSTORE_REDIS_URL"


@dataclass(frozen=True)
class Servers:
    """`postgres` and `redis` are None when they are yours: then we neither start nor stop them."""

    cluster: PostgresCluster
    redis_url: str
    postgres: PostgresServer | None
    redis: ValkeyServer | None

    @classmethod
    def of(cls, layout: Layout, ports: Ports, secrets: Secrets, *, only_own: bool) -> Self:
        """`only_own` is for a fleet that will be thrown away: it must not write into your databases."""
        postgres = redis = None
        given = {} if only_own else os.environ
        cluster_url, redis_url = given.get(POSTGRES_SETTING), given.get(REDIS_SETTING)
        if not cluster_url:
            postgres = PostgresServer(
                layout.postgres,
                port=ports.postgres,
                password=secrets.value("postgres-superuser"),
                log=layout.log("postgres"),
            )
        if not redis_url:
            redis = ValkeyServer(
                layout.redis, port=ports.redis, password=secrets.value("redis"), log=layout.log("redis")
            )
        return cls(
            cluster=postgres.cluster if postgres else PostgresCluster(str(cluster_url)),
            redis_url=redis.url if redis else str(redis_url),
            postgres=postgres,
            redis=redis,
        )

    def own(self) -> list[PostgresServer | ValkeyServer]:
        return [server for server in (self.postgres, self.redis) if server is not None]


def without_password(url: str) -> tuple[str, str | None]:
    """A URL as it may stand in an environment, and the password that goes to a file instead."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    netloc = f"{user}{at if user else ''}{hosts}"
    return urlunsplit(parts._replace(netloc=netloc)), unquote(password) or None
