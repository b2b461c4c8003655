"""Access to the service's own PostgreSQL: one engine, and one exception when the database cannot serve."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.settings import PostgresSettings

CLIENT_GRACE_S = 5.0
"""How much longer than the server's own timeout the client waits: by then the server or the network is gone."""

_OVERFLOW_CONNECTIONS = 4
_UNAVAILABLE_STATES = ("08", "53", "57", "25006")
"""SQLSTATE classes: connection lost, no resources, shut down or timed out; a read-only (demoted) server."""


class Database:
    """The connections of this process to one database."""

    def __init__(self, settings: PostgresSettings, application_name: str = "artstore") -> None:
        self.settings = settings
        self._engine = _engine(settings, application_name)
        sa.event.listen(self._engine.sync_engine, "handle_error", _translated)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back on an exception."""
        async with self.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reads; what is written without a commit is rolled back at the end.

        This is the only place where a connection is made: whatever goes wrong in it means that there is none.
        """
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(self._engine.connect())
            except (DBAPIError, PoolTimeout, OSError) as error:
                raise DatabaseUnavailable from error
            yield connection

    async def ping(self) -> None:
        """Raise `DatabaseUnavailable` unless the database answers."""
        async with self.connect() as connection:
            await connection.execute(sa.text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _engine(settings: PostgresSettings, application_name: str) -> AsyncEngine:
    statement_timeout_ms = round(settings.statement_timeout_s * 1000)
    return create_async_engine(
        database_url(settings),
        pool_size=settings.pool_size,
        max_overflow=_OVERFLOW_CONNECTIONS,
        pool_timeout=settings.connect_timeout_s,
        pool_pre_ping=True,
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
    if context.is_pre_ping or not isinstance(error, Exception):
        # A cancelled task must stay cancelled, though it leaves its connection unusable.
        return None
    if isinstance(error, TimeoutError):
        # The server has gone silent: a rollback on this connection would hang as long again.
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False
    state = str(getattr(error, "sqlstate", None) or "")
    gone = context.is_disconnect or isinstance(error, OSError) or state.startswith(_UNAVAILABLE_STATES)
    return DatabaseUnavailable() if gone else None
