"""Access to Redis or Valkey, whatever its shape, and one exception when it cannot serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

from artstore_kit.contracts.errors import RedisUnavailable
from artstore_kit.settings import RedisSettings

type RedisClient = Redis | RedisCluster
"""Both answer the same commands; keys that one command touches share a `{hashtag}`, so that Cluster can serve it."""

SENTINEL_PORT = 26379
CLUSTER_PORT = 6379


def connect(settings: RedisSettings, client_name: str = "artstore") -> RedisClient:
    """A client for the server that the URL names; it connects when first used and answers text, not bytes."""
    url = urlsplit(settings.url)
    password = settings.password.get_secret_value() if settings.password else None
    if url.scheme == "sentinel":
        return _through_sentinels(settings, password, client_name)
    if url.scheme == "cluster":
        return _cluster(settings, password, client_name)
    return Redis.from_url(
        settings.url,
        password=password,  # one in the URL goes first
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        retry=_once_more(),
        client_name=client_name,
        decode_responses=True,
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Around commands: everything that keeps Redis from answering is `RedisUnavailable`."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError) as error:
        raise RedisUnavailable from error


async def ping(client: RedisClient) -> None:
    """Raise `RedisUnavailable` unless Redis answers; for Cluster, unless it serves every slot."""
    with translate_errors():
        if isinstance(client, RedisCluster):
            await client.initialize()
        await client.get("{artstore}:ping")


def _through_sentinels(settings: RedisSettings, password: str | None, client_name: str) -> Redis:
    url = urlsplit(settings.url)
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        _addresses(url.netloc, SENTINEL_PORT),
        sentinel_kwargs={
            "socket_timeout": settings.timeout_s,
            "socket_connect_timeout": settings.timeout_s,
            "retry": Retry(ExponentialWithJitterBackoff(), 0),
        },
        password=password,
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        retry=_once_more(),
        client_name=client_name,
        decode_responses=True,
    )
    master: Redis = sentinels.master_for(url.path.strip("/"))
    return master


def _cluster(settings: RedisSettings, password: str | None, client_name: str) -> RedisCluster:
    nodes = _addresses(urlsplit(settings.url).netloc, CLUSTER_PORT)
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in nodes],
        password=password,
        socket_timeout=settings.timeout_s,
        socket_connect_timeout=settings.timeout_s,
        client_name=client_name,
        decode_responses=True,
    )


def _once_more() -> Retry:
    """A second try for a connection that has gone stale; not after a timeout, when the command may have been done."""
    return Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.1), 1, supported_errors=(RedisConnectionError,))


def _addresses(netloc: str, default_port: int) -> list[tuple[str, int]]:
    parts = (urlsplit(f"//{address}") for address in netloc.split(","))
    return [(part.hostname or "127.0.0.1", part.port or default_port) for part in parts]
