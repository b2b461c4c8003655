"""Durable primitives."""

import errno
import os
import threading
from pathlib import Path

import pytest

from storage_element.adapters.local import disk
from storage_element.domain.storage import ElementInUse


@pytest.fixture
def directory(root: Path) -> Path:
    disk.make_directories(root)
    return root


def test_a_file_is_replaced_whole(directory: Path) -> None:
    path = directory / "file"
    for data in (b"first", b"second, longer", b""):
        disk.replace_durably(path, data)
        assert path.read_bytes() == data
    assert [entry.name for entry in directory.iterdir()] == ["file"]


def test_a_replacement_that_fails_leaves_the_old_file(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / "file"
    disk.replace_durably(path, b"old")

    def fails(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output"):
        disk.replace_durably(path, b"new")
    assert path.read_bytes() == b"old"


def test_everything_is_synced_before_it_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(fd: int) -> None:
        done.append("fsync")
        fsync(fd)

    def noted_rename(path: Path, target: Path) -> Path:
        done.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    disk.replace_durably(directory / "file", b"data")
    assert done == ["fsync", "rename", "fsync"]


def test_short_writes_go_on(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    fd = os.open(directory / "file", os.O_CREAT | os.O_WRONLY)
    disk.write_all(fd, b"0123456789")
    os.close(fd)
    assert (directory / "file").read_bytes() == b"0123456789"


def test_a_sync_of_the_file_system_tells_errors(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY)
    disk.sync_file_system(fd)
    os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk.sync_file_system(fd)


def test_a_lock_is_held_by_one(directory: Path) -> None:
    fd = disk.take_lock(directory / "lock")
    with pytest.raises(ElementInUse, match="another process serves the element at"):
        disk.take_lock(directory / "lock")
    os.close(fd)
    os.close(disk.take_lock(directory / "lock"))


def test_those_who_look_and_nodes_that_serve_together_keep_each_other_out(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "PATIENCE_S", 0.2)
    gate, nodes = directory / "gate", directory / "nodes"
    os.close(disk.take_lock(gate))
    first, second = disk.share_lock(nodes), disk.share_lock(nodes)
    with pytest.raises(ElementInUse), disk.nobody_serves(gate, nodes):
        pass
    with pytest.raises(ElementInUse):
        disk.take_lock(nodes)
    os.close(first)
    os.close(second)
    with disk.nobody_serves(gate, nodes), disk.nobody_serves(gate, nodes), pytest.raises(ElementInUse):
        disk.wait_for_lock(gate)
    os.close(disk.wait_for_lock(gate))


def test_who_comes_in_waits_for_who_came_first(directory: Path) -> None:
    fd = disk.take_lock(directory / "gate")
    threading.Timer(0.2, os.close, [fd]).start()
    os.close(disk.wait_for_lock(directory / "gate"))


@pytest.mark.parametrize("call", ["fsync", "write", "rename"])
def test_what_did_not_fit_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        disk.replace_durably(path, b"after")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"before"
