"""Whoever changes the log beneath us is found out by tools/verify_audit.py, with what a witness kept."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tables.audit import audit_checkpoints, audit_entries, audit_head, audit_tiles
from admin_module.domain.merkle import grown, leaf_hash
from admin_module.services.audit import AuditLog
from admin_module.services.audit_retention import AuditRetention
from admin_module.services.audit_search import AuditSearch
from admin_module.services.checkpoints import Checkpoints
from artstore_kit.contracts.audit import AuditEntry, new_entry_id
from artstore_kit.contracts.errors import AuditLogDamaged
from artstore_kit.postgres import Database
from artstore_kit.testing.clock import MovableClock

TOOL = Path(__file__).parents[3] / "tools" / "verify_audit.py"
DAY = timedelta(days=1)
TABLES = (audit_head, audit_tiles, audit_entries, audit_checkpoints)


@dataclass
class Log:
    """A log, a witness who watches it, and whoever has its database in their hands."""

    database: Database
    audit: AuditLog
    checkpoints: Checkpoints
    clock: MovableClock
    directory: Path
    witnessed: list[dict[str, str]] = field(default_factory=list)

    async def grow(self, count: int) -> None:
        """Entries come, and are signed."""
        now_ms = int(self.clock().timestamp() * 1000)
        await self.audit.append(
            [AuditEntry(entry_id=new_entry_id(now_ms), service="s", action="file.read") for _ in range(count)]
        )
        await self.sign()

    async def sign(self) -> None:
        self.clock.move(timedelta(seconds=10))
        await self.checkpoints.sign_if_due()

    async def witness(self) -> None:
        """The witness keeps what is signed now."""
        self.witnessed.append({"seen_at": str(self.clock()), "note": (await self.checkpoints.newest()).note})

    async def execute(self, *statements: sa.Executable) -> None:
        async with self.database.transaction() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def rows(self) -> dict[sa.Table, list[dict[str, object]]]:
        """A backup."""
        async with self.database.connect() as connection:
            return {
                each: [dict(row) for row in (await connection.execute(each.select())).mappings()] for each in TABLES
            }

    async def restore(self, backup: dict[sa.Table, list[dict[str, object]]]) -> None:
        await self.execute(*(table.delete() for table in TABLES))
        await self.execute(*(table.insert().values(rows) for table, rows in backup.items() if rows))

    async def restart(self) -> None:
        """The service starts anew: what it had in memory is forgotten."""
        self.checkpoints = Checkpoints(
            self.database, self.audit, self.checkpoints.sealed_keys, self.checkpoints.name, self.clock
        )
        await self.checkpoints.open()

    async def make_tiles_anew(self) -> int:
        """From the rows, as they are now; how many these are."""
        async with self.database.connect() as connection:
            rows = await connection.execute(sa.select(audit_entries.c.leaf).order_by(audit_entries.c.index))
            hashes = [leaf_hash(leaf) for (leaf,) in rows]
        tiles = [
            {"level": level, "number": number, "hashes": content}
            for (level, number), content in grown(0, {}, hashes).items()
        ]
        await self.execute(audit_tiles.delete(), audit_tiles.insert().values(tiles))
        return len(hashes)

    async def cover_up(self) -> None:
        """All tiles are made anew from the rows, as a clever attacker would; a service that starts anew signs them."""
        size = await self.make_tiles_anew()
        await self.execute(audit_checkpoints.delete(), audit_head.update().values(size=size))
        await self.restart()
        await self.sign()

    async def lines(self) -> list[bytes]:
        """The leaves as the admin module answers them now."""
        parts = [part async for part in AuditSearch(self.database).leaves(0, None)]
        return b"".join(parts).splitlines(keepends=True)

    async def verify(
        self, *options: str, with_own: bool = True, leaves: Sequence[bytes] | None = None
    ) -> tuple[int, str]:
        """What the tool says, of leaves and checkpoint as the admin module answers them now."""
        whole = b"".join(await self.lines() if leaves is None else leaves)
        files = {"leaves": whole, "witness": self._kept(self.witnessed)}
        if with_own:
            files["checkpoint"] = (await self.checkpoints.newest()).note.encode()
        return await self.run(files, *options)

    async def run(self, files: dict[str, bytes], *options: str) -> tuple[int, str]:
        arguments = [*options]
        for name, content in files.items():
            path = self.directory / name
            path.write_bytes(content)
            arguments += [f"--{name}", str(path)]
        tool = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(TOOL), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await tool.communicate()
        return tool.returncode or 0, (out + err).decode()

    def _kept(self, lines: Sequence[dict[str, str]]) -> bytes:
        key = {"key": self.checkpoints.key.verifier_key}
        return b"".join(json.dumps(line).encode() + b"\n" for line in [key, *lines])


@pytest.fixture
async def log(database: Database, audit: AuditLog, sealed_keys: SealedKeys, clock: MovableClock, tmp_path: Path) -> Log:
    """302 entries, witnessed at 102, 202 and 302, a hundred days ago."""
    clock.move(-100 * DAY)
    checkpoints = Checkpoints(database, audit, sealed_keys, "store.test/audit", clock)
    await checkpoints.open()
    log = Log(database, audit, checkpoints, clock, tmp_path)
    await log.grow(1)
    for _ in range(3):
        await log.grow(100)
        await log.witness()
    return log


def leaf_with(statement: str) -> sa.Update:
    """Entry 150 says that somebody else did it."""
    return audit_entries.update().where(audit_entries.c.index == 150).values(leaf=sa.text(statement))


ANOTHER = leaf_with("convert_to(replace(convert_from(leaf, 'UTF8'), 'file.read', 'file.list'), 'UTF8')")


async def test_a_log_that_was_left_alone_is_what_it_was(log: Log) -> None:
    await log.grow(5)
    said = "0 of 307 places are gone; {} leaves are signed by nobody yet\n302 witnessed entries are what they were\n"
    assert await log.verify() == (0, said.format(0))
    assert await log.verify(with_own=False) == (0, said.format(5))


async def test_an_edited_entry(log: Log) -> None:
    await log.execute(ANOTHER)
    code, said = await log.verify()
    assert code == 1
    assert "edited: among the first 302 entries something is not what the log itself has signed" in said
    assert "edited: from entry 102 to 201 the log is not what was witnessed" in said


async def test_an_edited_entry_with_every_tile_made_anew_and_signed_with_the_real_key(log: Log) -> None:
    """Only what the witness kept is not in the attacker's hands."""
    await log.execute(ANOTHER)
    await log.cover_up()
    code, said = await log.verify()
    assert (code, said.count("\n")) == (1, 2)
    assert "\nforked: signed again: from entry 102 to 201 the log is not what was witnessed" in said
    log.witnessed.clear()
    await log.witness()
    assert (await log.verify())[0] == 0


async def test_a_deleted_entry(log: Log) -> None:
    await log.execute(audit_entries.delete().where(audit_entries.c.index == 150))
    code, said = await log.verify()
    assert code == 1
    assert said.startswith("1 of 302 places are gone; ")
    assert "\ndeleted: 1 entries are gone, from 150 on, and 0 were let go\n" in said


async def test_a_deleted_entry_whose_gap_was_closed_and_signed(log: Log) -> None:
    later = audit_entries.c.index > 150
    await log.execute(
        audit_entries.delete().where(audit_entries.c.index == 150),
        audit_entries.update().where(later).values(index=audit_entries.c.index - 1),
    )
    await log.cover_up()
    code, said = await log.verify()
    assert code == 1
    assert "deleted: at place 150 stands the entry that belongs to 151" in said
    assert "rolled back: the log signs 301 entries" in said


async def test_exchanged_entries(log: Log) -> None:
    exchanged = sa.case((audit_entries.c.index == 150, 160), else_=150)
    await log.execute(audit_entries.update().where(audit_entries.c.index.in_([150, 160])).values(index=exchanged))
    code, said = await log.verify()
    assert code == 1
    assert "reordered: at place 150 stands the entry that belongs to 160" in said
    await log.cover_up()
    code, said = await log.verify()
    assert code == 1
    assert "forked: signed again: from entry 102 to 201" in said


async def test_a_log_that_was_cut(log: Log) -> None:
    await log.execute(audit_entries.delete().where(audit_entries.c.index >= 250), audit_head.update().values(size=250))
    code, said = await log.verify()
    assert code == 1
    assert "truncated: there are 250 entries; 302 were signed" in said
    await log.cover_up()
    code, said = await log.verify()
    assert code == 1
    assert "rolled back: the log signs 250 entries" in said


async def test_a_log_that_was_rolled_back_to_a_backup(log: Log) -> None:
    backup = await log.rows()
    await log.grow(50)
    await log.witness()
    await log.restore(backup)
    code, said = await log.verify()
    assert code == 1
    assert "rolled back: the log signs 302 entries" in said
    assert "truncated: there are 302 entries; 352 were signed" in said


async def test_a_log_that_went_on_from_a_backup_is_a_fork(log: Log) -> None:
    backup = await log.rows()
    await log.grow(50)
    await log.witness()
    await log.restore(backup)
    await log.restart()
    await log.grow(100)
    code, said = await log.verify()
    assert code == 1
    assert "\nforked: signed again: from entry 302 to 351 the log is not what was witnessed" in said


async def test_a_service_that_runs_does_not_sign_what_goes_on_from_a_backup(log: Log) -> None:
    """Whoever holds the database needs no key: until the service starts anew they need it."""
    backup = await log.rows()
    await log.grow(50)
    await log.restore(backup)
    with pytest.raises(AuditLogDamaged, match=r"was put back: it has signed 352 entries, and now 302 entries\.$"):
        await log.grow(100)
    assert (await log.checkpoints.newest()).size == 302
    saw_352 = log.checkpoints
    await log.restart()
    await log.sign()
    assert (await log.checkpoints.newest()).size == 402
    with pytest.raises(AuditLogDamaged, match="its first 352 entries are others"):
        await saw_352.sign_if_due()


async def test_an_edited_entry_with_every_tile_made_anew_is_not_signed(log: Log) -> None:
    await log.execute(ANOTHER)
    await log.make_tiles_anew()
    for _ in range(2):
        with pytest.raises(AuditLogDamaged, match="its first 302 entries are others"):
            await log.grow(10)
        await log.restart()
    assert (await log.checkpoints.newest()).size == 302


async def test_two_histories_that_two_witnesses_saw(log: Log) -> None:
    backup = await log.rows()
    await log.grow(50)
    await log.witness()
    await log.restore(backup)
    await log.restart()
    await log.grow(50)
    await log.witness()
    code, said = await log.verify()
    assert code == 1
    assert "forked: signed again: from entry 302 to 351" in said


async def test_what_retention_let_go_is_no_deletion(log: Log) -> None:
    log.clock.move(100 * DAY)
    await log.grow(1)
    await AuditRetention(log.database, log.audit, 60 * DAY, log.clock).apply()
    await log.sign()
    code, said = await log.verify("--retention-days", "60")
    told, *_, good = said.splitlines()
    assert (code, told, good) == (
        0,
        "302 of 304 places are gone; 0 leaves are signed by nobody yet",
        "302 witnessed entries are what they were",
    )
    assert "\n  entry 303 says that 302 were let go until '20" in said
    await log.execute(audit_entries.delete().where(audit_entries.c.index == 302))
    code, said = await log.verify("--retention-days", "60")
    assert code == 1
    assert "\ndeleted: 303 entries are gone, from 0 on, and 302 were let go" in said


async def test_what_was_let_go_before_its_time_was_deleted(log: Log) -> None:
    """The log may have kept to its own setting: whoever set less than the usual must tell so."""
    log.clock.move(100 * DAY)
    await log.grow(1)
    await AuditRetention(log.database, log.audit, 60 * DAY, log.clock).apply()
    await log.sign()
    seen_at = log.witnessed[0]["seen_at"][:10]
    code, said = await log.verify()
    assert code == 1
    assert f"\ndeleted: entry 102 is gone too early: it came after {seen_at}" in said
    assert said.endswith(", and is to stay for 2557 days\n")


async def test_a_deletion_that_a_made_up_expiry_excuses(log: Log) -> None:
    """Whoever holds the database appends what they like, and the service itself signs it."""
    now_ms = int(log.clock().timestamp() * 1000)
    told = {"month": "2019-12", "entries": 999, "entries_so_far": 999}
    made_up = AuditEntry(entry_id=new_entry_id(now_ms), service="admin-module", action="audit.expire", detail=told)
    await log.audit.append([made_up])
    await log.execute(audit_entries.delete().where(audit_entries.c.index == 250))
    await log.sign()
    await log.witness()
    code, said = await log.verify()
    assert code == 1
    assert said.startswith(
        "1 of 303 places are gone; 0 leaves are signed by nobody yet\n  entry 302 says that 999 were let go until '"
    )
    assert f"\ndeleted: entry 250 is gone too early: it came after {log.witnessed[1]['seen_at'][:10]}" in said
    assert said.count("\n") == 3


async def test_an_entry_that_is_deleted_for_one_that_comes_back_from_an_export(log: Log) -> None:
    exported = await log.lines()
    log.clock.move(95 * DAY)
    for count in (1, 10):
        await log.grow(count)
        await log.witness()
    log.clock.move(5 * DAY)
    await AuditRetention(log.database, log.audit, 60 * DAY, log.clock).apply()
    await log.sign()
    assert (await log.verify("--retention-days", "60"))[0] == 0
    await log.execute(audit_entries.delete().where(audit_entries.c.index == 305))
    code, said = await log.verify("--retention-days", "60", leaves=[exported[0], *(await log.lines())[1:]])
    assert code == 1
    assert said.startswith("302 of 314 places are gone; 0 leaves are signed by nobody yet\n")
    assert f"\ndeleted: entry 305 is gone too early: it came after {log.witnessed[3]['seen_at'][:10]}" in said
    assert said.count("\n") == 3


async def test_the_expiry_that_told_of_another_goes_too(log: Log) -> None:
    """Nothing is missing that is not told, when the second month holds the entry that told of the first."""
    retention = AuditRetention(log.database, log.audit, 10 * DAY, log.clock)
    for _ in range(2):
        log.clock.move(45 * DAY)
        await log.grow(1)
        await retention.apply()
        await log.sign()
        await log.witness()
    code, said = await log.verify("--retention-days", "10")
    assert code == 0, said
    assert said.startswith(
        "304 of 306 places are gone; 0 leaves are signed by nobody yet\n  entry 305 says that 304 were let go until"
    )
    assert said.endswith("306 witnessed entries are what they were\n")


async def test_what_others_say_was_let_go_excuses_nothing(log: Log) -> None:
    told = {"entry_id": new_entry_id(int(log.clock().timestamp() * 1000)), "service": "admin-module"}
    forged = AuditEntry(**told, action="audit.expire", detail={"entries_so_far": 999})
    await log.audit.append([forged], delivered_by="storage-element")
    await log.execute(audit_entries.delete().where(audit_entries.c.index < 100))
    await log.sign()
    code, said = await log.verify()
    assert code == 1
    assert "\ndeleted: 100 entries are gone, from 0 on, and 0 were let go" in said


async def test_leaves_that_are_none(log: Log) -> None:
    await log.execute(leaf_with("convert_to('{}', 'UTF8')"))
    assert "edited: 1 lines, from 150 on, are no leaves of an audit log" in (await log.verify())[1]


async def test_a_checkpoint_that_somebody_else_signed(log: Log) -> None:
    forged = log.witnessed[-1]["note"].replace("\n302\n", "\n300\n")
    log.witnessed.append({"seen_at": str(log.clock()), "note": forged})
    code, said = await log.verify()
    assert (code, said.split(":")[0]) == (1, "forged")


async def test_what_cannot_be_checked_is_not_called_good(log: Log) -> None:
    code, said = await log.run({"leaves": b"", "witness": b"no json\n"})
    assert code == 2
    assert said.startswith("verify_audit: cannot check")
    log.witnessed.clear()
    code, said = await log.verify()
    assert code == 2
    assert "witness has no checkpoint" in said
