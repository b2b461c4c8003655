"""The sealing key is exchanged: everything is sealed anew, by any number of nodes, and after any crash."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from admin_module.adapters.administrators import insert_administrator
from admin_module.adapters.sealed_columns import SealedColumn, sealed_columns
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.second_factors import write_factor
from admin_module.adapters.signing_keys import all_keys, insert_key
from admin_module.adapters.tables.audit import audit_keys
from admin_module.adapters.tables.kept_answers import kept_answers
from admin_module.adapters.tables.schema import metadata
from admin_module.domain.administrators import Administrator
from admin_module.domain.clock import Clock
from admin_module.domain.signing_keys import SigningKey
from admin_module.services.audit import AuditLog
from admin_module.services.reseal import Reseal
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.postgres import Database
from artstore_kit.settings import WrongSettings

OLD, NEW = bytes(range(32)), bytes(32)
KIDS = ["a", "b", "c"]
old, new, both = SealedKeys(OLD), SealedKeys(NEW), SealedKeys(NEW, OLD)


@pytest.fixture(autouse=True)
async def sealed(database: Database, clock: Clock) -> None:
    """Three signing keys and the log's, sealed with the old key; and one whose private half was let go."""
    now = clock()
    async with database.transaction() as connection:
        for kid in KIDS:
            await insert_key(connection, SigningKey(kid, {}, old.seal(kid, kid.encode()), now, now))
        await insert_key(connection, SigningKey("bare", {}, b"", now, now))
        row = {"name": "log", "public_key": b"", "sealed_private_key": old.seal("log", b"log"), "created_at": now}
        await connection.execute(audit_keys.insert().values(row))


async def opened(database: Database, sealed_keys: SealedKeys) -> dict[str, bytes]:
    async with database.connect() as connection:
        keys = {key.kid: key.sealed_private_key for key in await all_keys(connection)}
        (log,) = await connection.execute(audit_keys.select())
    found = {**keys, "log": log.sealed_private_key}
    return {name: sealed_keys.unseal(name, secret) for name, secret in found.items() if secret}


ALL = {"a": b"a", "b": b"b", "c": b"c", "log": b"log"}


async def test_everything_is_sealed_anew(
    database: Database, audit: AuditLog, recorded: Callable[[], Awaitable[list[AuditEntry]]]
) -> None:
    assert await Reseal(database, audit, both).run() == 4
    assert await opened(database, new) == ALL
    assert await Reseal(database, audit, both).run() == 0
    assert await Reseal(database, audit, new).run() == 0
    assert [each.resource for each in await recorded()] == ["key:a", "key:b", "key:c", "key:log"]


async def test_whose_secret_it_was_is_told(
    database: Database, audit: AuditLog, clock: Clock, recorded: Callable[[], Awaitable[list[AuditEntry]]]
) -> None:
    async with database.transaction() as connection:
        await insert_administrator(connection, Administrator("grace", "", ("readonly",)), clock())
        await write_factor(connection, "grace", old.seal("grace", b"shared with her app"))
        answer = {"name": "0f", "sealed_answer": old.seal("0f", b"{}"), "kept_at": clock()}
        await connection.execute(kept_answers.insert().values(answer))
    assert await Reseal(database, audit, both).run() == 6
    told = [(each.action, each.resource) for each in await recorded()]
    assert told[4:] == [("secret.reseal", "administrator:grace"), ("secret.reseal", "answer:0f")]


async def test_nodes_that_start_at_once_do_each_once(database: Database, audit: AuditLog) -> None:
    counts = await asyncio.gather(*(Reseal(database, audit, both).run() for _ in range(3)))
    assert sum(counts) == 4
    assert await opened(database, new) == ALL


async def test_after_a_crash_the_rest_is_done(
    database: Database, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        """As good as a crash: what is committed stays."""

    replace, calls = SealedColumn.replace, 0

    async def third_time_kills(*arguments: object) -> bool:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Killed
        return await replace(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(SealedColumn, "replace", third_time_kills)
        with pytest.raises(Killed):
            await Reseal(database, audit, both).run()
    assert await opened(database, both) == ALL
    assert await Reseal(database, audit, both).run() == 2
    assert await opened(database, new) == ALL


async def test_with_a_key_missing_nothing_is_lost(database: Database, audit: AuditLog) -> None:
    with pytest.raises(WrongSettings, match="ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS"):
        await Reseal(database, audit, new).run()
    assert await opened(database, old) == ALL


def test_no_sealed_column_is_forgotten() -> None:
    named = {(column.table.name, column.sealed) for column in sealed_columns()}
    sealed = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns if c.name.startswith("sealed_")}
    assert named == sealed
    assert all(isinstance(column.table.c[column.sealed].type, sa.LargeBinary) for column in sealed_columns())
