"""Databases and roles inside a PostgreSQL server, ours or yours."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from tools.fleet.errors import FleetError

type Connection = asyncpg.Connection[asyncpg.Record]
type Work[T] = Callable[[Connection], Coroutine[None, None, T]]


@dataclass(frozen=True)
class PostgresCluster:
    """A server, reached as a user who may create databases (and roles, for the fleet)."""

    url: str

    def create_database(self, name: str) -> str:
        """Makes an empty database and gives its URL; an older one of that name is dropped."""
        self.drop_database(name)
        self._run(lambda connection: connection.execute(f'CREATE DATABASE "{name}"'))
        return with_database(self.url, name)

    def drop_database(self, name: str) -> None:
        self._run(lambda connection: connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def ensure_service(self, database: str, password: str) -> str:
        """A database and a role of the same name that owns it and may do nothing else; gives the URL, passwordless."""
        self._run(lambda connection: _ensure_service(connection, database, password))
        return with_database(self.url, database, user=database)

    def note(self, database: str) -> str | None:
        """What `set_note` wrote: it lives and dies with the database."""
        found: str | None = self._run(
            lambda connection: connection.fetchval(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", database
            )
        )
        return found

    def set_note(self, database: str, text: str) -> None:
        self._run(lambda connection: connection.execute(f"COMMENT ON DATABASE \"{database}\" IS '{text}'"))

    def _run[T](self, work: Work[T]) -> T:
        return _in_own_thread(lambda: _connected(self.url, work))


def with_database(url: str, database: str, user: str | None = None) -> str:
    """The same server, another database; with `user` also another user, whose password goes another way."""
    parts = urlsplit(url)
    netloc = parts.netloc if user is None else f"{quote(user)}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))


async def _connected[T](url: str, work: Work[T]) -> T:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        where = urlsplit(url)
        raise FleetError(f"PostgreSQL at {where.hostname}:{where.port or 5432} refused us: {error}") from error
    try:
        return await work(connection)
    finally:
        await connection.close()


async def _ensure_service(connection: Connection, name: str, password: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f'CREATE ROLE "{name}"')
    await connection.execute("SET password_encryption = 'scram-sha-256'")
    # A new role is neither superuser nor may it make databases or roles; it gets no more than its password.
    await connection.execute(f"ALTER ROLE \"{name}\" LOGIN PASSWORD '{password}'")
    if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        return
    # Before PostgreSQL lets an ordinary administrator make a database for another role, he must be a member of it.
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await connection.execute(f'GRANT "{name}" TO CURRENT_USER')
    await connection.execute(f'CREATE DATABASE "{name}" OWNER "{name}" TEMPLATE template0 ENCODING \'UTF8\'')
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')


def _in_own_thread[T](work: Callable[[], Coroutine[None, None, T]]) -> T:
    """Callers are plain functions, some of them called while an event loop runs in their thread."""
    answer: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(asyncio.run(work()))
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread and raised there
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return answer[0]
