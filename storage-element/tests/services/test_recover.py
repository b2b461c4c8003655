"""Recovery at start: what was acknowledged is there and intact, whatever did not reach the disk."""

import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from element_core import Core, inline, open_core, tree
from running_element import ELEMENT_ID
from scribe import Scribe, everything, shown
from sides import LocalSide
from told import Told

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.modes import Mode
from artstore_kit.start import StartRefused
from artstore_kit.testing.documents import document
from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.files import LocalFiles
from storage_element.adapters.local.journal import Journal
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain import layout, storage
from storage_element.domain.records import Kind, Record, frame_bytes
from storage_element.domain.segment_header import HEADER_BYTES
from storage_element.domain.storage import JournalDamaged
from storage_element.domain.superblock import Superblock
from storage_element.services.drafts import Draft
from storage_element.services.recover import recover
from storage_element.services.tell import Teller

type Create = Callable[..., Awaitable[FileAttributes]]


class PowerCut(BaseException):
    """The end of everything at this point."""


async def staged(core: Core, content: bytes, file: FileAttributes | None = None) -> FileAttributes:
    """A new file whose content was staged."""
    name = uuid4()
    core.files.staged(name).write_bytes(content)
    return await core.commit(Draft(Kind.CREATE_STAGED, file or document(), staging=name))


async def history(core: Core) -> None:
    """Files of every kind, made, changed and removed."""
    small = await core.create(b"small")
    large = await staged(core, b"large")
    gone = await core.create(b"gone")
    gone_large = await staged(core, b"gone too")
    await core.commit(Draft(Kind.CHANGE, small.model_copy(update={"revision": 2, "tags": ["new"]})))
    await core.commit(Draft(Kind.CHANGE, large.model_copy(update={"revision": 2})))
    await core.commit(Draft(Kind.REMOVE, gone))
    await core.commit(Draft(Kind.REMOVE, gone_large))


async def test_what_was_acknowledged_is_there_after_a_crash(root: Path) -> None:
    async with open_core(root) as core:
        await history(core)
        before = core.tree()
    async with open_core(root) as again:
        assert again.tree() == before
        assert [entry.lsn for entry in again.replayed] == list(range(1, 9))
        assert [entry.attributes is None for entry in again.replayed] == [False] * 6 + [True] * 2
        assert (again.superblocks.current.epoch, again.superblocks.current.checkpoint_lsn) == (2, 8)
        assert (await again.create()).element.lsn == 9


@pytest.mark.parametrize("loss", ["gone", "empty", "half", "not moved"])
async def test_files_that_never_reached_the_disk_are_made_again(root: Path, loss: str) -> None:
    """A power cut: only what was synced survives, which is the journal and what was staged."""
    async with open_core(root) as core:
        await core.create(b"checkpointed")
        await core.checkpoint.run()
        safe = set(core.tree())
        names = {(await staged(core, b"large %d" % number)).file_id: b"large %d" % number for number in range(3)}
        await core.create(b"small")
        before = core.tree()
        staging = {record.file_id: record.staging for record in core.committed}
    for name in set(before) - safe:
        path = root / layout.FILES / name
        content = next((content for file_id, content in names.items() if path.name == f"{file_id}.v1"), None)
        if content is None:
            lose(path, loss)
        elif loss == "not moved":
            path.rename(core.files.staged(staging[next(i for i in names if path.name == f"{i}.v1")]))
    async with open_core(root) as again:
        assert again.tree() == before


def lose(path: Path, loss: str) -> None:
    if loss == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 3 if loss == "half" else 0])


async def test_recovery_may_crash_anywhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each of its steps on the disk, again and again; the last one finds all that was acknowledged."""
    async with open_core(root) as core:
        await history(core)
        before = core.tree()
    steps = [(LocalFiles, "place"), (disk, "sync_file_system"), (disk, "replace_durably"), (Path, "unlink")]
    steps += [(Superblocks, "note_checkpoint"), (Journal, "start"), (Journal, "drop"), (LocalFiles, "clear_staging")]
    steps += [(Path, "rename"), (os, "rename"), (Fence, "_gather"), (disk, "create")]
    for owner, name in steps:
        for after in (0, 1, 3):
            with monkeypatch.context() as patched:
                crash_at(patched, owner, name, after)
                try:
                    async with open_core(root):
                        pass
                except PowerCut:
                    pass
    async with open_core(root) as again:
        assert again.tree() == before
        assert (await again.create()).element.lsn == 9


def crash_at(patched: pytest.MonkeyPatch, owner: object, name: str, after: int) -> None:
    really, calls = getattr(owner, name), itertools.count()

    def call(*args: object, **kwargs: object) -> object:
        if next(calls) >= after:
            raise PowerCut
        return really(*args, **kwargs)

    patched.setattr(owner, name, call)


async def test_what_no_record_names_is_cleared_away(root: Path) -> None:
    async with open_core(root) as core:
        await core.create()
        core.files.staged(uuid4()).write_bytes(b"an upload under way")
    async with open_core(root) as again:
        assert again.files.fence.entries() == []
        assert len(again.tree()) == 2


async def test_lsns_are_not_used_again(root: Path) -> None:
    seen = []
    for checkpointed in (True, False, True):
        async with open_core(root) as core:
            seen.append((await core.create()).element.lsn)
            if checkpointed:
                await core.checkpoint.run()
        async with open_core(root):
            pass
    assert seen == [1, 2, 3]
    async with open_core(root) as core:
        for path in core.journal.segments():
            path.unlink()
    async with open_core(root) as again:
        assert (await again.create()).element.lsn == 4


async def test_a_torn_batch_leaves_no_trace(root: Path) -> None:
    async with open_core(root) as core:
        file = await core.create(b"kept")
        offset = HEADER_BYTES + frame_bytes(core.committed[0])
        await core.create(b"torn")
        (segment,) = core.journal.segments()
        torn_file = core.committed[1].file_id
    data = bytearray(segment.read_bytes())
    data[offset + 30] ^= 1
    segment.write_bytes(data)
    for name in tree(root):
        if str(torn_file) in name:
            (root / layout.FILES / name).unlink()
    async with open_core(root) as again:
        assert [entry.file_id for entry in again.replayed] == [file.file_id]
        assert set(again.tree().values()) == {b"kept", file.to_json()}
        assert (await again.create()).element.lsn == 2


async def test_damage_stops_before_anything_is_replayed(root: Path) -> None:
    """Half a replay would put the attributes of LSN 1 over those of LSN 3."""
    async with open_core(root) as core:
        file = await core.create(b"content")
        for revision in (2, 3, 4):
            await core.commit(Draft(Kind.CHANGE, file.model_copy(update={"revision": revision})))
        before = core.tree()
        (segment,) = core.journal.segments()
        size = sum(frame_bytes(record) for record in core.committed[:2])
    damaged = bytearray(segment.read_bytes())
    damaged[HEADER_BYTES + size + 40] ^= 1
    segment.write_bytes(damaged)
    for _ in range(3):
        with pytest.raises(JournalDamaged, match="LSN 3"):
            async with open_core(root):
                pass
        assert (tree(root), segment.read_bytes()) == (before, bytes(damaged))
        assert epoch_at(root) == 2, "of the first try"
    damaged[HEADER_BYTES + size + 40] ^= 1
    segment.write_bytes(damaged)
    async with open_core(root) as mended:
        assert mended.tree() == before
        assert epoch_at(root) == 3


def epoch_at(root: Path) -> int:
    return Superblock.model_validate_json((root / layout.SUPERBLOCK).read_bytes()).epoch


class BeingDropped:
    """A journal of which another master, who recovers at this moment, drops what is being read."""

    def __init__(self, journal: storage.Journal, root: Path) -> None:
        self._journal = journal
        self._root = root
        self._reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def read(self) -> AsyncIterator[Sequence[Record]]:
        self._reads += 1
        if self._reads == 1:
            path = self._root / layout.SUPERBLOCK
            block = Superblock.model_validate_json(path.read_bytes())
            path.write_bytes(block.model_copy(update={"checkpoint_epoch": block.epoch, "checkpoint_lsn": 1}).to_json())
            raise JournalDamaged("begins at LSN 2, not 1")
        async for batch in self._journal.read():
            yield batch


async def test_what_another_master_drops_meanwhile_is_no_damage(root: Path) -> None:
    side = LocalSide(root)
    async with side.opened() as first:
        file = await (await Scribe.master(first)).create()
        await first.superblocks.take_over()
    async with side.opened() as second:
        await second.superblocks.open(ELEMENT_ID, Mode.EDIT)
        teller = Teller(Told(), second.journal, second.superblocks)
        await recover(replace(second, journal=BeingDropped(second.journal, root)), teller)
        assert second.superblocks.current.epoch == 3
        assert await everything(second) == shown([(file, b"content")])


async def test_a_journal_that_begins_too_late_stops(root: Path) -> None:
    async with open_core(root) as core:
        await core.create()
        core.journal.rotate()
        await core.create()
        before = core.tree()
        core.journal.segments()[0].unlink()
    with pytest.raises(JournalDamaged, match="begins at LSN 2, not 1"):
        async with open_core(root):
            pass
    assert tree(root) == before


async def test_acknowledged_content_that_is_nowhere_stops(root: Path) -> None:
    async with open_core(root) as core:
        file = await staged(core, b"large")
        (root / layout.content_path(file.file_id, 1)).unlink()
    with pytest.raises(JournalDamaged, match=str(file.file_id)):
        async with open_core(root):
            pass
    assert core.journal.segments()


@pytest.mark.parametrize("first", ["small", "large"])
@pytest.mark.parametrize("second", ["small", "large"])
@pytest.mark.parametrize("unsynced", [False, True])
async def test_an_id_that_was_removed_may_be_used_again(root: Path, first: str, second: str, unsynced: bool) -> None:
    """All of it still in the journal: who redoes the removal of the first loses the second."""
    create: dict[str, Create] = {"small": Core.create, "large": staged}
    async with open_core(root) as core:
        file = await create[first](core, b"first")
        await core.commit(Draft(Kind.REMOVE, file.model_copy()))
        await create[second](core, b"second", file.model_copy())
        before = core.tree()
        staging = core.committed[-1].staging
    content = root / layout.content_path(file.file_id, 1)
    if unsynced:
        content.rename(core.files.staged(staging) if second == "large" else root / "lost")
    for _ in range(2):
        async with open_core(root) as again:
            assert again.tree() == before
    assert b"second" in before.values()


async def test_the_room_of_the_old_journal_is_used_for_the_new(small_disk: Path) -> None:
    root = small_disk / "element"
    for number in range(3):
        async with open_core(root, segment_bytes=600 * 1024) as core:
            await core.create(b"%d" % number)
    assert len(core.tree()) == 6
    with pytest.raises(StartRefused, match="no room for a segment"):
        async with open_core(root, segment_bytes=2 * 2**20):
            pass
    async with open_core(root, segment_bytes=600 * 1024) as core:
        assert (await core.create()).element.lsn == 4


async def test_a_full_journal_of_many_segments_is_replayed(root: Path) -> None:
    async with open_core(root, segment_bytes=2**20) as core:
        for number in range(12):
            core.committer.submit(draft := inline(content=bytes([number]) * 300_000))
            await draft.done
        assert len(core.journal.segments()) == 4
        before = core.tree()
    async with open_core(root) as again:
        assert again.tree() == before
        assert len(again.journal.segments()) == 1
