"""The log is signed in time, by one node, with a key that outlives the nodes."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from admin_module.adapters.audit import read_tiles
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tables.audit import audit_checkpoints, audit_head, audit_tiles
from admin_module.domain.checkpoints import Checkpoint
from admin_module.domain.merkle import root_hash, tiles_of
from admin_module.services.audit import AuditLog
from admin_module.services.checkpoints import Checkpoints
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.contracts.errors import AuditLogDamaged, CheckpointPending
from artstore_kit.health import Check, CheckResult, Health
from artstore_kit.postgres import Database
from artstore_kit.settings import WrongSettings
from artstore_kit.testing.clock import MovableClock

TABLES = (audit_head, audit_tiles, audit_checkpoints)
type Rows = dict[sa.Table, list[dict[str, object]]]
type MakeCheckpoints = Callable[[], Awaitable[Checkpoints]]
NAME = "store.test/audit"
TEN_SECONDS = timedelta(seconds=10)


def entries(count: int) -> list[AuditEntry]:
    return [AuditEntry(entry_id=new_entry_id(), service="s", action="file.read") for _ in range(count)]


async def well() -> CheckResult:
    return CheckResult()


async def rows(database: Database) -> Rows:
    async with database.connect() as connection:
        return {each: [dict(row) for row in (await connection.execute(each.select())).mappings()] for each in TABLES}


async def put_back(database: Database, rows: Rows) -> None:
    async with database.transaction() as connection:
        for table, values in rows.items():
            await connection.execute(table.delete())
            await connection.execute(table.insert().values(values))


@pytest.fixture
def node(database: Database, audit: AuditLog, sealed_keys: SealedKeys, clock: MovableClock) -> MakeCheckpoints:
    """A node that has started."""

    async def start() -> Checkpoints:
        checkpoints = Checkpoints(database, audit, sealed_keys, NAME, clock)
        await checkpoints.open()
        return checkpoints

    return start


def verified(checkpoint: Checkpoint, verifier_key: str) -> tuple[str, int, bytes]:
    """Name, size and root, when the signature is that of the key."""
    name, key_id, key = verifier_key.split("+", 2)
    text, signature = checkpoint.note.split("\n\n")
    dash, signer, encoded = signature.rstrip("\n").split(" ")
    assert (dash, signer) == ("—", name)
    signed = base64.b64decode(encoded)
    assert signed[:4].hex() == key_id
    public_key = base64.b64decode(key)
    assert public_key[:1] == b"\x01"
    Ed25519PublicKey.from_public_bytes(public_key[1:]).verify(signed[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    return origin, int(size), base64.b64decode(root)


async def test_a_checkpoint_is_a_signed_note_of_size_and_root(
    node: MakeCheckpoints, audit: AuditLog, database: Database
) -> None:
    checkpoints = await node()
    await audit.append(entries(300))
    await checkpoints.sign_if_due()
    size = 301  # with the making of the key
    async with database.connect() as connection:
        tiles = await read_tiles(connection, tiles_of([(0, size)]))
    signed = verified(await checkpoints.newest(), checkpoints.key.verifier_key)
    assert signed == (NAME, size, root_hash(tiles, size))


async def test_no_entry_waits_longer_than_ten_seconds(
    node: MakeCheckpoints, audit: AuditLog, clock: MovableClock
) -> None:
    checkpoints = await node()
    await checkpoints.sign_if_due()
    await audit.append(entries(1))
    await checkpoints.sign_if_due()
    assert (await checkpoints.newest()).size == 1
    clock.move(TEN_SECONDS)
    await checkpoints.sign_if_due()
    assert (await checkpoints.newest()).size == 2


async def test_a_thousand_entries_do_not_wait(node: MakeCheckpoints, audit: AuditLog) -> None:
    checkpoints = await node()
    await checkpoints.sign_if_due()
    await audit.append(entries(999))
    await checkpoints.sign_if_due()
    assert (await checkpoints.newest()).size == 1
    await audit.append(entries(1))
    await checkpoints.sign_if_due()
    assert (await checkpoints.newest()).size == 1001


async def test_what_has_not_grown_is_not_signed_again(
    node: MakeCheckpoints, database: Database, clock: MovableClock
) -> None:
    checkpoints = await node()
    for _ in range(3):
        await checkpoints.sign_if_due()
        clock.move(TEN_SECONDS)
    async with database.connect() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(audit_checkpoints)) == 1


async def test_before_the_first_there_is_none(node: MakeCheckpoints) -> None:
    with pytest.raises(CheckpointPending):
        await (await node()).newest()


async def test_nodes_that_start_at_once_have_one_key(node: MakeCheckpoints) -> None:
    nodes = await asyncio.gather(*(node() for _ in range(3)))
    assert len({each.key.verifier_key for each in nodes}) == 1
    await asyncio.gather(*(each.sign_if_due() for each in nodes))
    assert len({(await each.newest()).note for each in nodes}) == 1


async def test_a_wrong_sealing_key_is_told_at_start(
    node: MakeCheckpoints, database: Database, audit: AuditLog, clock: MovableClock
) -> None:
    await node()
    with pytest.raises(WrongSettings, match="ARTSTORE_KEYS__SEALING_KEY: does not open"):
        await Checkpoints(database, audit, SealedKeys(bytes(32)), NAME, clock).open()


async def test_nodes_sign_in_turns(node: MakeCheckpoints, audit: AuditLog, clock: MovableClock) -> None:
    nodes = [await node() for _ in range(3)]
    for size, each in enumerate(nodes * 3, 2):
        await audit.append(entries(1))
        clock.move(TEN_SECONDS)
        await each.sign_if_due()
        assert (await each.newest()).size == size


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (audit_checkpoints.delete(), "was put back: it has signed 301 entries, and now nothing"),
        (audit_head.update().values(size=300), "its first 301 entries are others"),
        (audit_tiles.update().values(hashes=sa.func.set_byte(audit_tiles.c.hashes, 9, 7)), "its first 301 entries"),
        (audit_checkpoints.update().values(note="another"), "or the key has not signed them"),
        (audit_checkpoints.update().values(size=302), "or the key has not signed them"),
    ],
)
async def test_a_log_that_does_not_go_on_is_not_signed_until_it_does(
    node: MakeCheckpoints,
    audit: AuditLog,
    database: Database,
    clock: MovableClock,
    statement: sa.Executable,
    said: str,
) -> None:
    checkpoints = await node()
    await audit.append(entries(300))
    await checkpoints.sign_if_due()
    await audit.append(entries(1))
    check = checkpoints.told_in(Check("audit", well, Health.DEGRADED))
    assert await check.run() == CheckResult()
    before = await rows(database)
    async with database.transaction() as connection:
        await connection.execute(statement)
    clock.move(TEN_SECONDS)
    for _ in range(2):
        with pytest.raises(AuditLogDamaged, match=said):
            await checkpoints.sign_if_due()
    told = await check.run()
    assert (told.health, said in told.detail) == (Health.DEGRADED, True)
    await put_back(database, before)
    await checkpoints.sign_if_due()
    assert await check.run() == CheckResult()
    assert (await checkpoints.newest()).size == 302


async def test_a_tree_that_is_not_whole_is_not_signed(node: MakeCheckpoints, database: Database) -> None:
    checkpoints = await node()
    async with database.transaction() as connection:
        await connection.execute(audit_tiles.delete())
    with pytest.raises(AuditLogDamaged):
        await checkpoints.sign_if_due()
