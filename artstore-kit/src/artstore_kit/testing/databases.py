"""A database for a test module, made and migrated once and emptied between tests."""

import sqlalchemy as sa

from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings

_KEPT = "alembic_version"


def settings_for(url: str) -> PostgresSettings:
    """Settings for a database of the test server."""
    return PostgresSettings(url=url, password=None, pool_size=8, connect_timeout_s=3, statement_timeout_s=30)


async def truncate(settings: PostgresSettings) -> None:
    """Empty every table but Alembic's."""
    database = Database(settings, "truncate")
    try:
        async with database.transaction() as connection:
            names = await connection.scalars(
                sa.text(
                    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> :kept"
                ),
                {"kept": _KEPT},
            )
            if tables := ", ".join(names):
                await connection.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    finally:
        await database.close()
