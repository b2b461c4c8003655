"""The audit log hears of each change once it is in place, again after a crash, and never of what did not happen."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from element_core import TESTER, Working, at_work, inline, open_core
from running_element import ELEMENT_ID, Element, ElementAt
from sides import Side
from told import Told

from artstore_kit.contracts.audit import AuditEntry, AuditOutcome, entry_id_of
from artstore_kit.contracts.errors import AuditSpoolFault, AuditSpoolFull
from artstore_kit.contracts.modes import Mode
from storage_element.domain.records import Kind, Record
from storage_element.services.drafts import Draft
from storage_element.services.modes import Modes
from storage_element.services.tell import Teller

RECORDS_AT_ONCE = 256


@asynccontextmanager
async def working(side: Side, spool: Told) -> AsyncIterator[Working]:
    async with side.opened() as storage, at_work(storage, spool) as core:
        yield core


async def three_changes(core: Working) -> list[str]:
    """What the audit log should be told of them."""
    file = await core.create(b"first")
    await core.commit(Draft(Kind.CHANGE, file.model_copy(update={"revision": 2}), origin=TESTER, action="hold.place"))
    await core.commit(Draft(Kind.REMOVE, file.model_copy(update={"revision": 2}), origin=TESTER))
    return ["file.create", "hold.place", "file.remove"]


async def test_an_entry_says_who_did_what_to_which_file(root: Path) -> None:
    async with open_core(root, spool=(spool := Told())) as core:
        file = await core.create(b"first")
        [entry] = spool.entries()
        assert entry == AuditEntry(
            entry_id=entry_id_of(TESTER.moment_ms, ELEMENT_ID, file.element.epoch, file.element.lsn),
            service="storage-element",
            node=ELEMENT_ID,
            actor="tester",
            client_id="test-client",
            action="file.create",
            resource=f"file:{file.file_id}",
            detail={"collection": "default", "revision": 1, "sha256": file.content.sha256, "size": 0, "lsn": 1},
        )
        assert (entry.outcome, round(entry.at.timestamp() * 1000)) == (AuditOutcome.DONE, TESTER.moment_ms)


async def test_a_journal_that_is_replayed_is_told_again_word_for_word(side: Side) -> None:
    before, after = Told(), Told()
    async with working(side, before) as core:
        actions = await three_changes(core)
    async with working(side, after):
        assert after.lines == before.lines
        assert [entry.action for entry in after.entries()] == actions
        assert after.synced_count == len(actions)
    async with working(side, nothing_left := Told()):
        assert nothing_left.lines == []


async def test_what_nobody_is_known_to_have_wanted_has_no_entry(root: Path) -> None:
    async with open_core(root, spool=(spool := Told())) as core:
        draft = inline()
        draft.origin = None
        await core.commit(draft)
    async with open_core(root, spool=spool):
        assert spool.lines == []


async def test_a_checkpoint_waits_for_the_spool(side: Side) -> None:
    async with working(side, spool := Told()) as core:
        await three_changes(core)
        assert spool.synced_count == 0
        await core.checkpoint.run()
        assert spool.synced_count == len(spool.lines) == 3


async def test_a_full_spool_keeps_the_journal_until_it_is_told(side: Side) -> None:
    async with working(side, spool := Told()) as core:
        told = [await core.create()]
        spool.is_full = True
        told += [await core.create() for _ in range(3)]
        assert core.teller.is_behind
        with pytest.raises(AuditSpoolFull) as refused:
            await core.checkpoint.run()
        assert (refused.value.code, refused.value.status) == ("audit_spool_full", 507)
        assert core.storage.superblocks.current.checkpoint_lsn == 0
        spool.is_full = False
        told += [await core.create()]
        await core.checkpoint.run()
        assert not core.teller.is_behind
        assert core.storage.superblocks.current.checkpoint_lsn == len(told)
        assert sorted(entry.resource for entry in spool.entries()) == sorted(f"file:{file.file_id}" for file in told)


async def test_a_full_spool_begins_no_new_segments(root: Path) -> None:
    async with open_core(root, spool=(spool := Told())) as core:
        spool.is_full = True
        await core.create()
        for _ in range(3):
            with pytest.raises(AuditSpoolFull):
                await core.checkpoint.run()
        assert [int(path.stem) for path in core.journal.segments()] == [1]


async def test_a_spool_that_cannot_be_synced_keeps_the_journal_for_the_next_start(side: Side) -> None:
    async with working(side, spool := Told(is_broken=False)) as core:
        await three_changes(core)
        spool.is_broken = True
        with pytest.raises(AuditSpoolFault) as refused:
            await core.checkpoint.run()
        assert (refused.value.code, refused.value.status) == ("audit_spool_fault", 503)
        assert (await core.create()).element.lsn == 4
    async with working(side, again := Told()):
        assert set(again.lines) == set(spool.lines)


async def test_an_element_does_not_start_while_the_spool_cannot_be_told(side: Side) -> None:
    async with working(side, told := Told()) as core:
        await three_changes(core)
    for refusing in (Told(is_full=True), Told(is_broken=True)):
        with pytest.raises((AuditSpoolFull, AuditSpoolFault)):
            async with working(side, refusing):
                pass
    async with working(side, again := Told()):
        assert again.lines == told.lines


async def test_the_mode_turns_all_the_same(root: Path) -> None:
    async with open_core(root, spool=(spool := Told())) as core:
        spool.is_full = True
        await core.create()
        await Modes(core.storage.superblocks, core.committer, core.checkpoint).turn(Mode.RW, "somebody wants it")
        assert core.superblocks.current.mode is Mode.RW


async def test_what_is_told_again_is_in_memory_in_small_batches_only(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    tell_again = Teller.tell_again

    def counted(teller: Teller, records: Sequence[Record]) -> None:
        sizes.append(len(records))
        tell_again(teller, records)

    async with open_core(root, spool=(spool := Told())) as core:
        for draft in (drafts := [inline() for _ in range(1000)]):
            core.committer.submit(draft)
        for draft in drafts:
            await draft.done
    monkeypatch.setattr(Teller, "tell_again", counted)
    async with open_core(root, spool=(again := Told())):
        assert (sum(sizes), max(sizes) <= RECORDS_AT_ONCE) == (1000, True)
        assert again.lines == spool.lines


async def test_the_spool_of_the_service_is_told_over_http(element: Element) -> None:
    file = await element.put(b"content")
    [line] = [line for line in spooled(element) if str(file.file_id).encode() in line]
    entry = AuditEntry.model_validate_json(line)
    assert (entry.action, entry.actor, entry.detail["sha256"]) == ("file.create", "tester", file.content.sha256)


def spooled(element: Element) -> list[bytes]:
    directory = element.services.spool.directory
    return [line for path in directory.glob("*.jsonl") for line in path.read_bytes().splitlines()]


async def test_a_full_disk_of_the_spool_is_told_by_the_health(
    element_at: ElementAt, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with element_at(root) as element:
        with monkeypatch.context() as patched:
            patched.setattr(type(element.services.spool), "keep", refuse)
            assert (await element.send()).status_code == 201
            health = (await element.http.get("/health/ready")).json()
            assert (health["health"], health["checks"]["storage"]["health"]) == ("degraded", "degraded")
            assert "the journal is kept" in health["checks"]["storage"]["detail"]
        await element.services.checkpoint.run()
        assert (await element.http.get("/health/ready")).json()["checks"]["storage"]["health"] == "ok"


def refuse(*_: object) -> None:
    raise AuditSpoolFull
