"""Group commit: one sync for all that wait, one order, and nothing answered that is not safe."""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from element_core import Core, Syncs, inline, open_core, outcomes, until

from artstore_kit.contracts.errors import FileExists, FileUnknown, StorageFault, StorageFull
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.testing.documents import document
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import JournalFull
from storage_element.services.commit import BATCH_RECORDS
from storage_element.services.drafts import Draft

EIO = OSError(errno.EIO, "Input/output error")


@pytest.fixture
async def core(root: Path) -> AsyncIterator[Core]:
    async with open_core(root) as core:
        yield core


@pytest.fixture
def syncs(core: Core, monkeypatch: pytest.MonkeyPatch) -> Syncs:
    return Syncs(monkeypatch)


def submit(core: Core, drafts: list[Draft]) -> list[Draft]:
    for draft in drafts:
        core.committer.submit(draft)
    return drafts


def written_up_to(core: Core, lsn: int) -> bool:
    return core.journal.durable_lsn == lsn


def lsns(files: list[FileAttributes | BaseException]) -> list[int]:
    return [file.element.lsn for file in files if isinstance(file, FileAttributes)]


async def test_all_that_wait_share_one_sync(core: Core, syncs: Syncs) -> None:
    drafts = submit(core, [inline() for _ in range(600)])
    assert lsns(await outcomes(drafts)) == list(range(1, 601))
    assert syncs.count <= 600 / BATCH_RECORDS + 1
    assert [record.lsn for record in core.committed] == list(range(1, 601))
    assert len(core.tree()) == 1200


async def test_what_arrives_during_a_commit_is_the_next_batch(core: Core, syncs: Syncs) -> None:
    goes_on = threading.Event()
    syncs.before = lambda: goes_on.wait(5)
    first = submit(core, [inline()])
    await until(lambda: syncs.count > 0)
    later = submit(core, [inline() for _ in range(50)])
    assert not first[0].done.done()
    goes_on.set()
    await outcomes(first + later)
    assert syncs.count == 2


async def test_one_after_the_other_takes_a_sync_each(core: Core, syncs: Syncs) -> None:
    for _ in range(5):
        await core.create()
    assert syncs.count == 5


async def test_nothing_is_answered_or_shown_before_its_sync(core: Core, syncs: Syncs) -> None:
    goes_on = threading.Event()
    syncs.before = lambda: goes_on.wait(5)
    (draft,) = submit(core, [inline()])
    await asyncio.sleep(0.05)
    assert (draft.done.done(), core.tree(), core.committed) == (False, {}, [])
    goes_on.set()
    await draft.done
    assert len(core.tree()) == 2


async def test_a_file_that_is_there_is_refused_and_the_others_go_on(core: Core) -> None:
    there = await core.create(b"first")
    drafts = submit(core, [inline(), inline(document(file_id=there.file_id), b"other"), inline()])
    before, refused, after = await outcomes(drafts)
    assert isinstance(refused, FileExists)
    assert lsns([before, after]) == [2, 3]
    assert b"other" not in core.tree().values()
    draft = submit(core, [inline(document(file_id=there.file_id))])
    assert isinstance((await outcomes(draft))[0], FileExists)
    assert core.journal.next_lsn == 4


async def test_whoever_gives_an_operation_up_learns_so_when_its_outcome_is_known(core: Core, syncs: Syncs) -> None:
    draft, loop = inline(), asyncio.get_running_loop()
    waiting = asyncio.create_task(core.commit(draft))
    syncs.before = lambda: loop.call_soon_threadsafe(waiting.cancel)
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert draft.done.result().element.lsn == 1


async def test_a_failed_sync_stops_all_writes(core: Core, syncs: Syncs) -> None:
    """Those of the batch, those that wait behind it, and all later ones, though the next sync would work."""
    kept = await core.create(b"kept")
    syncs.error = EIO
    refused = await outcomes(submit(core, [inline() for _ in range(3 * BATCH_RECORDS)]))
    assert {type(each) for each in refused} == {StorageFault}
    assert "Input/output error" in core.committer.fault
    syncs.error, syncs.count = None, 0
    with pytest.raises(StorageFault):
        core.committer.submit(inline())
    with pytest.raises(StorageFault):
        await core.checkpoint.run()
    assert syncs.count == 0
    assert core.files.read_attributes(kept.file_id) == kept.to_json()


async def test_after_a_restart_what_was_acknowledged_is_there(core: Core, syncs: Syncs) -> None:
    kept = [await core.create(b"kept %d" % number) for number in range(5)]
    syncs.error = EIO
    (draft,) = submit(core, [inline()])
    await outcomes([draft])
    syncs.error = None
    async with open_core(core.root) as again:
        for number, file in enumerate(kept):
            assert again.files.read_attributes(file.file_id) == file.to_json()
            assert b"kept %d" % number in again.tree().values()
        assert (await again.create()).element.lsn > 5


async def test_staged_content_of_a_failed_sync_stays_for_the_restart(core: Core, syncs: Syncs) -> None:
    """The record may be on the disk all the same; without its content no restart would succeed."""
    file, name = document(), document().file_id
    core.files.staged(name).write_bytes(b"large")
    syncs.error = EIO
    await outcomes(submit(core, [Draft(Kind.CREATE_STAGED, file, staging=name)]))
    syncs.error = None
    async with open_core(core.root) as again:
        assert b"large" in again.tree().values()


async def test_no_room_for_the_journal_refuses_and_goes_on(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise JournalFull

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", full)
        refused = await outcomes(submit(core, [inline(), inline()]))
    assert [type(each) for each in refused] == [StorageFull, StorageFull]
    assert (core.committer.fault, core.tree()) == ("", {})
    assert (await core.create()).element.lsn == 1


async def test_what_cannot_be_placed_is_left_to_the_replay(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later batches too: they are durable, and shown before the earlier ones they would hide them from the index."""
    place = LocalFiles.place
    goes_on = threading.Event()

    def fails(files: LocalFiles, record: Record) -> None:
        goes_on.wait(5)
        if record.lsn == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        place(files, record)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFiles, "place", fails)
        batches = []
        for lsn in (1, 2, 3):
            batches += submit(core, [inline()])
            await until(partial(written_up_to, core, lsn))
        goes_on.set()
        first, *later = await outcomes(batches)
    assert lsns([first]) == [1]
    assert [type(each) for each in later] == [StorageFault, StorageFault]
    assert [record.lsn for record in core.committed] == [1]
    async with open_core(core.root) as again:
        assert [entry.lsn for entry in again.replayed] == [1, 2, 3]
        assert len(again.tree()) == 6


async def test_after_a_fault_elsewhere_nothing_more_is_written(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another sync has failed while the batch was being looked through."""

    def fails_meanwhile(*_: object) -> bool:
        core.committer.fail(EIO)
        return False

    monkeypatch.setattr(LocalFiles, "has", fails_meanwhile)
    refused = await outcomes(submit(core, [inline()]))
    assert [type(each) for each in refused] == [StorageFault]
    assert core.journal.durable_lsn == 0


async def test_a_surprise_stops_writes_instead_of_leaving_callers_waiting(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprises(*_: object) -> bool:
        raise ValueError("year 10889 is out of range")

    monkeypatch.setattr(LocalFiles, "has", surprises)
    assert isinstance((await outcomes(submit(core, [inline()])))[0], StorageFault)
    with pytest.raises(StorageFault):
        core.committer.submit(inline())


async def test_every_kind_of_operation_is_placed_in_order(core: Core) -> None:
    file = await core.create(b"content")
    changed = file.model_copy(update={"revision": 2, "tags": ["x"]})
    assert (await core.commit(Draft(Kind.CHANGE, changed))).element.lsn == 2
    assert b'"tags":["x"]' in core.files.read_attributes(file.file_id)
    await core.commit(Draft(Kind.REMOVE, changed))
    assert core.tree() == {}
    with pytest.raises(FileUnknown):
        core.files.read_attributes(file.file_id)
    assert [record.kind for record in core.committed] == [Kind.CREATE_INLINE, Kind.CHANGE, Kind.REMOVE]


async def test_a_surprise_in_showing_what_was_placed_stops_writes(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(_: object) -> None:
        raise RuntimeError("nobody expects it")

    monkeypatch.setattr(core.committer._placer, "_committed", surprise)
    drafts = submit(core, [inline()])
    await until(lambda: core.committer.fault == "RuntimeError: nobody expects it")
    (outcome,) = await outcomes(drafts)
    assert isinstance(outcome, StorageFault)
