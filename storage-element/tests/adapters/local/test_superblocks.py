"""element.json: made once, then only replaced whole; a strange one stops the start."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from artstore_kit.contracts.modes import Mode
from storage_element.adapters.local.disk import make_directories
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain import layout
from storage_element.domain.storage import WrongElement


@pytest.fixture
def superblocks(root: Path) -> Superblocks:
    make_directories(root)
    superblocks = Superblocks(root, Fence(root))
    superblocks.open("edit-1", Mode.RW)
    return superblocks


def again(root: Path, element_id: str = "edit-1", mode: Mode = Mode.EDIT) -> Superblocks:
    superblocks = Superblocks(root, Fence(root))
    superblocks.open(element_id, mode)
    return superblocks


def test_an_empty_directory_becomes_an_element(superblocks: Superblocks, root: Path) -> None:
    assert {path.name for path in root.iterdir()} == {"element.json", "files", "journal", "staging", "quarantine"}
    shown = json.loads((root / layout.SUPERBLOCK).read_bytes())
    assert shown["format"] == "artstore-element"
    assert (shown["version"], shown["element_id"], shown["mode"], shown["epoch"]) == (1, "edit-1", "rw", 0)
    assert shown["created_at"].endswith("Z")


def test_the_mode_of_the_first_start_stays(superblocks: Superblocks, root: Path) -> None:
    assert again(root, mode=Mode.RO).current.mode is Mode.RW


def test_the_epoch_and_the_checkpoint_are_kept(superblocks: Superblocks, root: Path) -> None:
    assert superblocks.take_over() == 1
    superblocks.note_checkpoint(77)
    after = again(root)
    assert (after.current.epoch, after.current.checkpoint_lsn) == (1, 77)
    assert after.take_over() == 2


def test_the_mode_changes_durably_beside_checkpoints(superblocks: Superblocks, root: Path) -> None:
    superblocks.take_over()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(superblocks.note_checkpoint, range(1, 20)))
        threads.submit(superblocks.change_mode, Mode.RO).result()
        list(threads.map(superblocks.note_checkpoint, range(20, 40)))
    assert again(root).current.mode is Mode.RO


def test_unknown_fields_survive_a_rewrite(superblocks: Superblocks, root: Path) -> None:
    path = root / layout.SUPERBLOCK
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": {"x": 1}}))
    again(root).take_over()
    assert json.loads(path.read_text())["later"] == {"x": 1}


def test_another_element_is_refused(superblocks: Superblocks, root: Path) -> None:
    with pytest.raises(WrongElement, match="holds the element edit-1, not edit-2"):
        again(root, "edit-2")


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]", b"{}", b'{"element_id": "edit-1", "mode": "rw", "version": 2}', b"\xff"]
)
def test_a_superblock_that_cannot_be_read_stops_and_stays(superblocks: Superblocks, root: Path, damaged: bytes) -> None:
    path = root / layout.SUPERBLOCK
    path.write_bytes(damaged)
    with pytest.raises(WrongElement, match=r"element\.json"):
        again(root)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("left", [layout.FILES, layout.JOURNAL])
def test_files_without_a_superblock_are_not_taken_for_a_new_element(root: Path, left: str) -> None:
    make_directories(root / left)
    (root / left / "something").write_text("precious")
    with pytest.raises(WrongElement, match="restore it from a copy"):
        again(root)
    assert not (root / layout.SUPERBLOCK).exists()


def test_a_first_start_that_crashed_is_done_again(root: Path) -> None:
    for name in (layout.FILES, layout.JOURNAL):
        make_directories(root / name)
    (root / ".element.json.new").write_text("half")
    assert again(root).current.element_id == "edit-1"
