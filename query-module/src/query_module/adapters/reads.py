"""Reading the search index: single statements, on connections of their own, without SQLAlchemy between."""

from typing import Any

import asyncpg

from artstore_kit.contracts.errors import IndexUnavailable
from artstore_kit.postgres import CLIENT_GRACE_S, database_url
from artstore_kit.settings import PostgresSettings

type Row = asyncpg.Record

PARAMETERS = {
    "application_name": "query-module reads",
    "jit": "off",
    # A plan that ignores the words asked for would walk the whole table for a rare word.
    "plan_cache_mode": "force_custom_plan",
}
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has just said farewell on a connection that is not closed yet
    OSError,
    TimeoutError,
)
_UNAVAILABLE_STATES = ("28", "3D", "53", "57")
"""SQLSTATE classes: not let in; no such database; no resources; shut down, or ended for taking too long."""


class Reads:
    """A statement costs 0.1 ms of this process's time here, 0.9 with an engine, a transaction and a ping around it."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._pool: asyncpg.Pool[Row] | None = None

    async def fetch(self, statement: str, *values: object) -> list[Row]:
        """The rows; `IndexUnavailable` when PostgreSQL cannot give them now."""
        try:
            pool = self._pool or await self._open()
            async with pool.acquire(timeout=self._settings.connect_timeout_s) as connection:
                return await connection.fetch(statement, *values)
        except _UNAVAILABLE as error:
            raise IndexUnavailable from error
        except asyncpg.PostgresError as error:
            if str(error.sqlstate).startswith(_UNAVAILABLE_STATES):
                raise IndexUnavailable from error
            raise

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def _open(self) -> "asyncpg.Pool[Row]":
        """Connections are made when they are needed, and again when the server has ended them."""
        settings = self._settings
        url = database_url(settings)
        _, options = url.get_dialect()().create_connect_args(url)
        self._pool = asyncpg.create_pool(
            **options,
            min_size=0,
            max_size=settings.pool_size,
            max_inactive_connection_lifetime=0,
            timeout=settings.connect_timeout_s,
            command_timeout=settings.statement_timeout_s + CLIENT_GRACE_S,
            server_settings={**PARAMETERS, "statement_timeout": str(round(settings.statement_timeout_s * 1000))},
            reset=_nothing,
        )
        await self._pool
        return self._pool


async def _nothing(_: Any) -> None:
    """Single statements leave nothing behind that had to be reset."""
