"""The checkpoint drops journal only when everything that it covers is safe without it."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from element_core import Core, inline, open_core, until

from artstore_kit.contracts.errors import StorageFault, StorageFull
from storage_element.adapters.local import disk
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.config import JournalSettings
from storage_element.domain.records import Record
from storage_element.domain.storage import JournalFull
from storage_element.services.checkpoint import Checkpoint


@pytest.fixture
async def core(root: Path) -> AsyncIterator[Core]:
    async with open_core(root) as core:
        yield core


def journal_names(core: Core) -> list[int]:
    return [int(path.stem) for path in core.journal.segments()]


def noting(done: list[str], name: str, call: Callable[..., object]) -> Callable[..., object]:
    def noted(*args: object) -> object:
        done.append(name)
        return call(*args)

    return noted


def raising(number: int) -> OSError:
    return OSError(number, os.strerror(number))


async def test_a_checkpoint_drops_what_is_safe(core: Core) -> None:
    for _ in range(3):
        await core.create()
    before = core.tree()
    await core.checkpoint.run()
    assert (journal_names(core), core.superblocks.current.checkpoint_lsn) == ([4], 3)
    assert core.committer.written_bytes == 0
    async with open_core(core.root) as again:
        assert (again.replayed, again.tree()) == ([], before)
        assert (await again.create()).element.lsn == 4


async def test_a_checkpoint_of_nothing_changes_nothing(core: Core) -> None:
    await core.create()
    for _ in range(3):
        await core.checkpoint.run()
    assert (journal_names(core), core.superblocks.current.checkpoint_lsn) == ([2], 1)


async def test_files_are_synced_before_the_note_and_the_note_before_the_drop(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    steps = [(disk, "sync_file_system"), (Superblocks, "note_checkpoint"), (Journal, "drop")]
    for owner, name in steps:
        monkeypatch.setattr(owner, name, noting(done, name, getattr(owner, name)))
    await core.create()
    await core.checkpoint.run()
    assert done == [name for _, name in steps]


async def test_commits_go_on_meanwhile(core: Core) -> None:
    files = [core.create() for _ in range(50)]
    runs = [core.checkpoint.run() for _ in range(3)]
    await asyncio.gather(*files, *runs)
    more = await core.create()
    async with open_core(core.root) as again:
        assert len(again.tree()) == 102
        assert again.files.has(more.file_id)


async def test_what_is_being_put_in_place_keeps_its_journal(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    place, goes_on = LocalFiles.place, threading.Event()

    def late(files: LocalFiles, record: Record) -> None:
        goes_on.wait(5)
        place(files, record)

    monkeypatch.setattr(LocalFiles, "place", late)
    creating = asyncio.create_task(core.create())
    await until(lambda: core.journal.durable_lsn == 1)
    checkpoint = asyncio.create_task(core.checkpoint.run())
    await until(lambda: journal_names(core) == [1, 2])
    done, _ = await asyncio.wait([checkpoint], timeout=0.1)
    assert (done, journal_names(core), core.superblocks.current.checkpoint_lsn) == (set(), [1, 2], 0)
    goes_on.set()
    await asyncio.gather(creating, checkpoint)
    assert (journal_names(core), core.superblocks.current.checkpoint_lsn) == ([2], 1)


async def test_a_failed_sync_keeps_the_journal_and_stops_writes(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await core.create(b"kept")

    def fails(_: int) -> None:
        raise raising(errno.EIO)

    with monkeypatch.context() as patched:
        patched.setattr(disk, "sync_file_system", fails)
        with pytest.raises(StorageFault):
            await core.checkpoint.run()
    assert (journal_names(core), core.superblocks.current.checkpoint_lsn) == ([1, 2], 0)
    with pytest.raises(StorageFault):
        core.committer.submit(inline())
    async with open_core(core.root) as again:
        assert [entry.file_id for entry in again.replayed] == [file.file_id]


async def test_journal_that_cannot_be_dropped_stops_writes(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    await core.create()

    def fails(*_: object) -> None:
        raise raising(errno.EIO)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "drop", fails)
        with pytest.raises(StorageFault):
            await core.checkpoint.run()
    with pytest.raises(StorageFault):
        core.committer.submit(inline())


async def test_a_full_disk_is_no_fault(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal stays, writes go on, and the next checkpoint drops it."""
    await core.create()

    def full(*_: object) -> None:
        raise raising(errno.ENOSPC)

    def no_segment(*_: object) -> None:
        raise JournalFull

    steps = ((disk, "replace_durably", full), (Journal, "rotate", no_segment), (Journal, "drop", full))
    for owner, name, call in steps:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, call)
            with pytest.raises(StorageFull):
                await core.checkpoint.run()
        await core.create()
    assert core.committer.fault == ""
    await core.checkpoint.run()
    assert (journal_names(core), core.superblocks.current.checkpoint_lsn) == ([5], 4)


async def test_a_crash_between_the_note_and_the_drop_is_harmless(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    await core.create(b"one")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "drop", lambda *_: None)
        await core.checkpoint.run()
    await core.create(b"two")
    before = core.tree()
    async with open_core(core.root) as again:
        assert [entry.lsn for entry in again.replayed] == [1, 2]
        assert again.tree() == before


async def test_it_runs_when_it_is_due(core: Core) -> None:
    def checkpoint(**settings: float) -> Checkpoint:
        storage, given = core.storage, JournalSettings.model_validate(settings)
        return Checkpoint(
            core.committer,
            storage.files,
            storage.superblocks,
            superseded=core.superseded,
            teller=core.teller,
            settings=given,
        )

    await core.create(bytes(2**20))
    await checkpoint().run_if_due()
    assert core.superblocks.current.checkpoint_lsn == 0
    await checkpoint(checkpoint_bytes=2**20).run_if_due()
    assert core.superblocks.current.checkpoint_lsn == 1
    await core.create()
    late = checkpoint(checkpoint_interval_s=1e-9)
    await late.run_if_due()
    assert core.superblocks.current.checkpoint_lsn == 2
    epoch = core.superblocks.current
    await late.run_if_due()
    assert core.superblocks.current is epoch
