"""Bringing a service's database to the newest revision, and asking whether it is there."""

import asyncio
import importlib.util
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings

_ADVISORY_LOCK = 0x41727453746F7265
"""Any number will do, if it is the same for all who migrate a database."""

_REVISION_TIMEOUT_S = 3600.0
_REFUSALS = ("28", "3D")
"""SQLSTATE classes that waiting does not heal: wrong password or role, no such database."""


def migrate(settings: PostgresSettings, package: str, wait_s: float = 30.0) -> list[str]:
    """Run what is pending of `<package>/migrations/versions`; the revisions that were run, oldest first."""
    return asyncio.run(upgrade(settings, package, wait_s))


async def upgrade(settings: PostgresSettings, package: str, wait_s: float = 30.0) -> list[str]:
    """`migrate` for a running loop. Several may call it at once; waits `wait_s` for a server that is coming up."""
    patient = settings.model_copy(update={"statement_timeout_s": _REVISION_TIMEOUT_S})
    database = Database(patient, f"{package} migrate")
    try:
        await _wait_for(database, wait_s)
        if not await pending(database, package):
            return []
        async with database.connect() as connection:
            await connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
            await connection.commit()
            return await connection.run_sync(_run_pending, package)
    finally:
        await database.close()


async def pending(database: Database, package: str) -> list[str]:
    """The revisions of `package` that the database lacks, oldest first; none when its schema is newer than the code."""
    async with database.connect() as connection:
        return await connection.run_sync(_pending, ScriptDirectory.from_config(_config(package)))


async def _wait_for(database: Database, wait_s: float) -> None:
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + wait_s
    while True:
        try:
            return await database.ping()
        except DatabaseUnavailable as error:
            if loop.time() > give_up_at or _refused(error):
                raise
        await asyncio.sleep(0.2)


def _refused(error: DatabaseUnavailable) -> bool:
    cause = error.__cause__
    state = getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
    return str(state).startswith(_REFUSALS)


def _run_pending(connection: sa.Connection, package: str) -> list[str]:
    """With the lock held: it goes when the connection does."""
    config = _config(package)
    missing = _pending(connection, ScriptDirectory.from_config(config))
    connection.commit()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return missing


def _pending(connection: sa.Connection, scripts: ScriptDirectory) -> list[str]:
    current = MigrationContext.configure(connection).get_current_revision()
    missing: list[str] = []
    for script in scripts.walk_revisions():
        if script.revision == current:
            return missing[::-1]
        missing.append(script.revision)
    return [] if current else missing[::-1]


def _config(package: str) -> Config:
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"no package {package}"
    assert spec.submodule_search_locations, f"{package} is not a package"
    versions = Path(spec.submodule_search_locations[0]) / "migrations" / "versions"
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", _plain(Path(__file__).parent / "migrations"))
    config.set_main_option("version_locations", _plain(versions))
    return config


def _plain(path: Path) -> str:
    """Alembic's configuration interpolates percent signs."""
    return str(path).replace("%", "%%")
