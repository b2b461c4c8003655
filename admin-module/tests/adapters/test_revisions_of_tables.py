"""What the revisions make of rows that are there already."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

import admin_module
from artstore_kit.postgres import Database
from artstore_kit.testing.databases import settings_for
from artstore_kit.testing.fixtures import PostgresServer

_VERSIONS = Path(admin_module.__path__[0]) / "migrations" / "versions"


def upgrade_to(name: str) -> Callable[[sa.Connection], None]:
    """Runs the revision of this name, without its number."""
    (path,) = _VERSIONS.glob(f"*_{name}.py")

    def run(connection: sa.Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            import_module(f"admin_module.migrations.versions.{path.stem}").upgrade()

    return run


async def test_who_was_an_administrator_may_everything(postgres_server: PostgresServer) -> None:
    database = Database(settings_for(postgres_server.create_database("admin_module_before_roles")))
    async with database.transaction() as connection:
        await connection.run_sync(upgrade_to("first_tables"))
        told = "('ada', 'hash', 'administrator', now())"
        await connection.execute(
            sa.text(f"INSERT INTO administrators (username, password_hash, role, created_at) VALUES {told}")
        )
        await connection.run_sync(upgrade_to("roles"))
        rows = await connection.execute(sa.text("SELECT username, roles FROM administrators"))
        assert [tuple(row) for row in rows] == [("ada", ["super_admin"])]
    await database.close()
