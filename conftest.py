"""Real servers for every test of the repository: started once a run, when a test first asks for them."""

import os
import signal
from collections.abc import Iterator

import pytest

from tools.fleet.databases import PostgresCluster
from tools.fleet.for_tests import temporary_postgres, temporary_redis

# A run in the background of a script inherits that SIGINT is ignored, and so would what the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["artstore_kit.testing.fixtures"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresCluster]:
    """`.url` is a superuser's; `.create_database(name)` makes an empty database and gives its URL."""
    if url := os.environ.get("ARTSTORE_TEST_POSTGRES_URL"):
        yield PostgresCluster(url)
    else:
        with temporary_postgres() as cluster:
            yield cluster


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of this run's own: a test may flush it, so two test runs must not share one."""
    if url := os.environ.get("ARTSTORE_TEST_REDIS_URL"):
        yield url
    else:
        with temporary_redis() as url:
            yield url
