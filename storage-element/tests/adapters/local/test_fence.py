"""One takes over, the others do not; what the master before still holds open reaches nothing."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from element_core import open_core
from fences import taken_over

from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.adapters.local import disk
from storage_element.adapters.local.fence import Fence, staged_below
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.domain.storage import Fenced
from storage_element.services.drafts import Draft


def epochs(root: Path) -> list[str]:
    return sorted(path.name for path in (root / layout.STAGING).iterdir())


def test_of_all_who_try_one_takes_over(root: Path) -> None:
    taken_over(root)

    def attempt(_: int) -> int:
        try:
            return Fence(root).take_over(0)
        except Fenced:
            return 0

    with ThreadPoolExecutor(8) as threads:
        won = [epoch for _ in range(40) for epoch in threads.map(attempt, range(8)) if epoch]
    assert len(set(won)) == len(won) >= 40
    (last,) = epochs(root)
    assert int(last) >= max(won)


def test_the_master_before_is_fenced_and_the_new_one_is_not(root: Path) -> None:
    old = taken_over(root)
    old.check()
    new = taken_over(root)
    new.check()
    with pytest.raises(Fenced, match="epoch 1 is over"):
        old.check()
    with pytest.raises(Fenced), old.guarding():
        disk.create(old.path("anything"))


def test_a_missing_file_is_no_fence(root: Path) -> None:
    fence = taken_over(root)
    with pytest.raises(FileNotFoundError), fence.guarding():
        Path(fence.path("absent")).unlink()


def test_before_it_has_taken_over_nobody_changes_anything(root: Path) -> None:
    fence = Fence(root)
    fence.make_first(0)
    with pytest.raises(Fenced), fence.guarding():
        disk.create(fence.path("anything"))


def test_staged_content_goes_to_the_new_master_and_unfinished_does_not(root: Path) -> None:
    old = taken_over(root)
    name = str(uuid4())
    for each in (name, f"{name}.5.attr", "element.json.new", layout.MARK):
        Path(old.path(each)).write_bytes(b"old")
    assert [path.name for path in taken_over(root).entries()] == [name]
    assert staged_below(root, UUID(name)) == root / layout.STAGING / "2" / name
    assert staged_below(root, uuid4()) is None


def test_what_the_old_master_still_has_open_is_no_file_of_the_new_one(root: Path) -> None:
    """It was stopped between open and write; the new one has put the same file in place meanwhile."""
    old = taken_over(root)
    fd = disk.create(old.path("element.json.new"))
    new = taken_over(root)
    disk.replace_durably(root / layout.SUPERBLOCK, b"new", new.path("element.json.new"))
    disk.write_all(fd, b"old")
    os.close(fd)
    assert (root / layout.SUPERBLOCK).read_bytes() == b"new"


def test_a_crash_before_the_superblock_is_written_leaves_the_directory_as_the_truth(root: Path) -> None:
    root.mkdir()
    for expected in (1, 3):
        superblocks = Superblocks(root, Fence(root))
        superblocks.open("edit-1", Mode.EDIT)
        assert superblocks.take_over() == expected
        Fence(root).take_over(0)
    assert superblocks.current.epoch == 3
    assert epochs(root) == ["4"]


def test_the_superblock_is_read_after_the_take_over(root: Path) -> None:
    """The old master noted its last checkpoint after the new one had looked."""
    root.mkdir()
    old, new = Superblocks(root, Fence(root)), Superblocks(root, Fence(root))
    old.open("edit-1", Mode.EDIT)
    old.take_over()
    new.open("edit-1", Mode.EDIT)
    old.note_checkpoint(77)
    assert new.take_over() == 2
    assert (new.current.checkpoint_lsn, new.current.checkpoint_epoch) == (77, 1)
    with pytest.raises(Fenced):
        old.note_checkpoint(78)
    with pytest.raises(Fenced):
        old.confirm()


async def test_an_element_of_the_older_layout_starts(root: Path) -> None:
    """Bytes lie in staging itself: what the journal names is placed, the rest was never acknowledged."""
    async with open_core(root) as core:
        core.files.staged(name := uuid4()).write_bytes(b"large")
        file = await core.commit(Draft(Kind.CREATE_STAGED, document(), staging=name))
        before = core.tree()
    staging = root / layout.STAGING
    (root / layout.content_path(file.file_id, 1)).rename(staging / str(name))
    (staging / f"{file.file_id}.7.attr").write_bytes(b"half")
    (staging / "1").rmdir()
    async with open_core(root) as again:
        assert again.tree() == before
        assert again.superblocks.current.epoch == 2
    assert [path.name for path in staging.rglob("*")] == ["2"]


async def test_a_copy_that_was_made_while_the_element_changed_hands_starts(root: Path) -> None:
    async with open_core(root) as core:
        core.files.staged(name := uuid4()).write_bytes(b"large")
        file = await core.commit(Draft(Kind.CREATE_STAGED, document(), staging=name))
        before = core.tree()
    staging = root / layout.STAGING
    (staging / "2").mkdir()
    (root / layout.content_path(file.file_id, 1)).rename(staging / "1" / str(name))
    async with open_core(root) as again:
        assert again.tree() == before
    assert [path.name for path in staging.rglob("*")] == ["3"]


async def test_an_element_restored_without_its_empty_directories_starts(root: Path) -> None:
    async with open_core(root) as core:
        await core.create()
        before = core.tree()
    (root / layout.STAGING / "1").rmdir()
    (root / layout.STAGING).rmdir()
    async with open_core(root) as again:
        assert again.tree() == before
        assert again.superblocks.current.epoch == 2
