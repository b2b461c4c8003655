"""Access to the service's own PostgreSQL: one engine, and one exception when the database cannot serve."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.settings import PostgresSettings

CLIENT_GRACE_S = 5.0
"""How much longer than the server's own timeout the client waits: by then the server or the network is gone."""

IDLE_S = 1.0
"""A connection that was used so lately is taken for good unless the server has closed it: asking takes three round
trips, more than most statements. If it is not good after all, one statement is `DatabaseUnavailable`."""

_USED_AT = "artstore used at"
_UNAVAILABLE_STATES = ("08", "53", "57", "25006")
"""SQLSTATE classes: connection lost, no resources, shut down or timed out; a read-only (demoted) server."""


class Database:
    """The connections of this process to one database."""

    def __init__(self, settings: PostgresSettings, application_name: str = "artstore") -> None:
        self.settings = settings
        self._engine = _engine(settings, application_name)
        sync_engine = self._engine.sync_engine
        sa.event.listen(sync_engine, "handle_error", _translated)
        sa.event.listen(sync_engine.pool, "checkin", _note_use)
        sa.event.listen(sync_engine.pool, "checkout", partial(_require_alive, sync_engine.dialect))
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back on an exception."""
        async with self.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reads; what is written without a commit is rolled back at the end."""
        async with _connected(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reads that are one statement each: no transaction begins and ends around them."""
        async with _connected(self._single) as connection:
            yield connection

    async def ping(self) -> None:
        """Raise `DatabaseUnavailable` unless the database answers."""
        async with self.reading() as connection:
            await connection.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """The only place where a connection is made: whatever goes wrong in it means that there is none."""
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(engine.connect())
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise DatabaseUnavailable from error
        yield connection


def _engine(settings: PostgresSettings, application_name: str) -> AsyncEngine:
    statement_timeout_ms = round(settings.statement_timeout_s * 1000)
    return create_async_engine(
        database_url(settings),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.connect_timeout_s,
        hide_parameters=True,
        connect_args={
            "timeout": settings.connect_timeout_s,
            "command_timeout": settings.statement_timeout_s + CLIENT_GRACE_S,
            "server_settings": {
                "application_name": application_name,
                "statement_timeout": str(statement_timeout_ms),
                "jit": "off",
            },
        },
    )


def database_url(settings: PostgresSettings) -> URL:
    """The URL for SQLAlchemy, with the driver and the password in it."""
    url = make_url(settings.url).set(drivername="postgresql+asyncpg")
    return url.set(password=settings.password.get_secret_value()) if settings.password else url


def _translated(context: ExceptionContext) -> DatabaseUnavailable | None:
    """Called by SQLAlchemy when a statement fails: the answer replaces its exception, None leaves it."""
    error = context.original_exception
    if not isinstance(error, Exception):
        # A cancelled task must stay cancelled, though it leaves its connection unusable.
        return None
    if isinstance(error, TimeoutError):
        # The server has gone silent: a rollback on this connection would hang as long again.
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False
    state = str(getattr(error, "sqlstate", None) or "")
    gone = context.is_disconnect or isinstance(error, OSError) or state.startswith(_UNAVAILABLE_STATES)
    return DatabaseUnavailable() if gone else None


def _note_use(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    """Called by SQLAlchemy when a connection goes back."""
    record.info[_USED_AT] = time.monotonic()


def _require_alive(
    dialect: Dialect, connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
) -> None:
    """Called by SQLAlchemy when a connection is taken: for one that is not good it makes another, and asks again."""
    used_at: float | None = record.info.get(_USED_AT)  # of a new one there is none
    if used_at is None:
        return
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
    if time.monotonic() - used_at > IDLE_S:
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error
