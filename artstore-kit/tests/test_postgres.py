"""The database as services use it, when it is there and when it is not."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError

from artstore_kit.contracts.errors import DatabaseUnavailable
from artstore_kit.postgres import Database
from artstore_kit.settings import PostgresSettings
from artstore_kit.testing.application import free_port
from artstore_kit.testing.databases import settings_for
from artstore_kit.testing.fixtures import PostgresServer


@pytest.fixture(scope="module")
def settings(postgres_server: PostgresServer) -> PostgresSettings:
    return settings_for(postgres_server.create_database("kit_postgres"))


@pytest.fixture
async def database(settings: PostgresSettings) -> AsyncIterator[Database]:
    database = Database(settings, "kit tests")
    async with database.transaction() as connection:
        await connection.execute(sa.text("DROP TABLE IF EXISTS things"))
        await connection.execute(sa.text("CREATE TABLE things (id int PRIMARY KEY)"))
    yield database
    await database.close()


async def _ids(database: Database) -> list[int]:
    async with database.connect() as connection:
        return list(await connection.scalars(sa.text("SELECT id FROM things ORDER BY id")))


async def _insert(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("INSERT INTO things VALUES (:id)"), {"id": number})


async def test_a_transaction_is_kept(database: Database) -> None:
    await _insert(database, 1)
    assert await _ids(database) == [1]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def insert_and_fail() -> None:
        async with database.transaction() as connection:
            await connection.execute(sa.text("INSERT INTO things VALUES (1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await insert_and_fail()
    assert await _ids(database) == []


async def test_a_violated_constraint_is_not_an_outage(database: Database) -> None:
    await _insert(database, 1)
    with pytest.raises(IntegrityError):
        await _insert(database, 1)
    with pytest.raises(ProgrammingError):
        async with database.connect() as connection:
            await connection.execute(sa.text("SELECT nothing FROM nowhere"))


async def test_the_server_knows_who_is_connected(database: Database) -> None:
    async with database.connect() as connection:
        assert await connection.scalar(sa.text("SHOW application_name")) == "kit tests"
        assert await connection.scalar(sa.text("SHOW statement_timeout")) == "30s"


async def test_nobody_listening_is_unavailable() -> None:
    database = Database(settings_for(f"postgresql://nobody@127.0.0.1:{free_port()}/none"))
    with pytest.raises(DatabaseUnavailable):
        await database.ping()


async def test_a_refused_login_is_unavailable(settings: PostgresSettings) -> None:
    database = Database(settings.model_copy(update={"password": SecretStr("wrong")}))
    with pytest.raises(DatabaseUnavailable):
        await database.ping()


async def test_a_connection_that_the_server_ends_is_unavailable_then_replaced(database: Database) -> None:
    async with database.connect() as connection:
        await _end(database, await connection.scalar(sa.text("SELECT pg_backend_pid()")))
        with pytest.raises(DatabaseUnavailable):
            await connection.execute(sa.text("SELECT 1"))
    await database.ping()


async def test_idle_connections_that_the_server_has_ended_are_replaced_unnoticed(database: Database) -> None:
    async with database.connect() as connection:
        idle = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
    ending = Database(database.settings)
    await _end(ending, idle)
    await ending.close()
    await asyncio.sleep(0.1)  # until the server's farewell has come
    assert await _ids(database) == []


async def test_a_statement_that_takes_too_long_is_unavailable(settings: PostgresSettings) -> None:
    hasty = Database(settings.model_copy(update={"statement_timeout_s": 0.2}))
    with pytest.raises(DatabaseUnavailable):
        async with hasty.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(5)"))
    await hasty.close()


async def test_a_server_that_goes_silent_is_unavailable(
    settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artstore_kit.postgres.CLIENT_GRACE_S", -29.7)
    hasty = Database(settings)
    with pytest.raises(DatabaseUnavailable):
        async with hasty.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(5)"))
    await hasty.ping()
    await hasty.close()


async def test_a_task_that_is_cancelled_within_a_statement_ends(database: Database) -> None:
    async def sleep() -> None:
        async with database.connect() as connection:
            await connection.execute(sa.text("SELECT pg_sleep(5)"))

    sleeping = asyncio.create_task(sleep())
    await asyncio.sleep(0.2)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    await database.ping()


class Cable:
    """A way to the server that breaks, when told to, with the next thing that is sent on it: nobody can know before."""

    def __init__(self, settings: PostgresSettings) -> None:
        url = make_url(settings.url)
        self._server = (url.host, url.port)
        self._url = url
        self.breaks = False

    async def __aenter__(self) -> PostgresSettings:
        self._listening = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = self._listening.sockets[0].getsockname()[1]
        return settings_for(self._url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False))

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._server)
        back = asyncio.create_task(_pour(from_server, writer))
        while (data := await reader.read(65536)) and not self.breaks:
            to_server.write(data)
        self.breaks = False
        for each in (writer, to_server):
            each.close()
        await asyncio.gather(back, return_exceptions=True)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


async def test_a_connection_that_was_not_used_for_a_while_is_asked_whether_it_is_still_there(
    settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artstore_kit.postgres.IDLE_S", 0.0)
    async with (cable := Cable(settings)) as through_cable:
        database = Database(through_cable)
        await database.ping()
        cable.breaks = True
        await database.ping()
        assert not cable.breaks
        await database.close()


async def test_one_that_was_used_just_now_is_not_asked_and_fails_one_statement_at_most(
    settings: PostgresSettings,
) -> None:
    async with (cable := Cable(settings)) as through_cable:
        database = Database(through_cable)
        await database.ping()
        cable.breaks = True
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
        await database.ping()
        await database.close()


async def test_single_reads_have_no_transaction_around_them(database: Database) -> None:
    moment = sa.text("SELECT now()")
    async with database.reading() as connection:
        assert await connection.scalar(moment) < await connection.scalar(moment)
    async with database.connect() as connection:
        assert await connection.scalar(moment) == await connection.scalar(moment)


async def _end(database: Database, pid: int | None) -> None:
    async with database.connect() as connection:
        await connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
