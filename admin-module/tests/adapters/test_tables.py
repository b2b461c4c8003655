"""The tables in the code are those that the revisions make."""

import pkgutil
from importlib import import_module

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from admin_module.adapters import tables
from admin_module.adapters.tables.schema import metadata
from artstore_kit.postgres import Database

for module in pkgutil.iter_modules(tables.__path__):
    import_module(f"{tables.__name__}.{module.name}")


async def test_the_revisions_make_these_tables(database: Database) -> None:
    def differences(connection: sa.Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.connect() as connection:
        assert await connection.run_sync(differences) == []
