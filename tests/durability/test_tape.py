"""The tape misses nothing: what it has told makes the tree that is there, and what would go past it is refused."""

import ast
import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import storage_element
from storage_element.adapters.local import disk
from tests.durability.calls import Recorder
from tests.durability.operations import OPERATIONS, Operation
from tests.durability.recording import base, record
from tests.durability.shelf import place, read_tree
from tests.durability.shims import SEEN
from tests.durability.tape import Unseen
from tests.durability.watch import BENEATH, watching

OUTSIDE = {"bag_writer.py", "bag_reader.py", "bare_element.py"}
"""They read, or write to where an operator wants to have it, never into the element."""
PACKAGE = Path(storage_element.__file__).parent
SOURCES = [path for path in PACKAGE.rglob("*.py") if not {"migrations", "command"} & set(path.parts)]
INSIDE = [path for path in SOURCES if path.name not in OUTSIDE]
READING = {
    *("fstat", "fstatvfs", "preadv", "posix_fadvise", "walk", "scandir", "strerror", "setpriority", "access", "read"),
    *("makedirs", "environ"),
}
"""What `os` is asked for besides: it changes nothing, or calls what the tape sees."""


def every_kind_of_call(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    fd = os.open(root / "a/file", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(fd, 0, 100)
    os.pwritev(fd, [b"one", b"two"], 10)
    os.pwrite(fd, b"three", 50)
    os.write(fd, b"start")
    os.writev(fd, [b"-", b"middle"])
    os.ftruncate(fd, 60)
    os.fdatasync(fd)
    os.close(fd)
    (root / "a/file").rename(root / "a/b/moved")
    (root / "a/second").hardlink_to(root / "a/b/moved")
    disk.replace_durably(root / "a/written", b"replaced")
    disk.rename_new(root / "a/second", root / "a/third")
    directory = os.open(root, os.O_RDONLY)
    disk.sync_file_system(directory)
    os.close(directory)
    (root / "a/b/moved").unlink()
    (root / "a/b").rmdir()


def test_what_was_told_makes_what_is_there() -> None:
    recorder = Recorder()
    with place() as root, watching(root, recorder) as tape:
        every_kind_of_call(root)
        assert tape.world.tree() == read_tree(root) != {}
    assert {call.name for call in recorder.calls} == (
        set(SEEN) - {"close", "replace", "remove"} | {"syncfs", "renameat2"}
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_told_whole(operation: Operation) -> None:
    recording = record(operation, base(operation.before, 1), 1)  # which compares
    assert len(recording.calls) > recording.began


def write_by_open(path: Path) -> None:
    path.write_bytes(b"past it")


def append_by_open(path: Path) -> None:
    with path.open("ab"):
        pass


def change_by_memory(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    mmap.mmap(fd, 0)


@pytest.mark.parametrize(
    "change",
    [
        write_by_open,
        append_by_open,
        change_by_memory,
        lambda path: path.chmod(0o600),
        lambda path: path.with_name("link").symlink_to(path),
        lambda path: os.truncate(path, 1),
        lambda path: os.utime(path, (0, 0)),
        lambda path: shutil.copyfile(path, path.with_name("copy")),
        lambda path: path.rename(path.parents[1] / "over the border"),
    ],
)
def test_what_would_go_past_it_is_refused(change: Callable[[Path], object]) -> None:
    with place() as directory:
        (directory / "root").mkdir()
        path = directory / "root/file"
        path.write_bytes(b"content")
        with watching(directory / "root", Recorder()), pytest.raises(Unseen):
            change(path)


def test_outside_of_its_directory_nothing_is_refused(tmp_path: Path) -> None:
    recorder = Recorder()
    with place() as root, watching(root, recorder):
        (tmp_path / "file").write_bytes(b"content")
        (tmp_path / "file").chmod(0o600)
        (tmp_path / "file").rename(tmp_path / "moved")
    assert recorder.calls == []


def test_the_element_changes_files_by_seen_calls_alone() -> None:
    strange = {
        (path.name, name)
        for path in INSIDE
        for node in ast.walk(ast.parse(path.read_text()))
        if (name := _function_of_os(node)) and name not in {*SEEN, *READING} and not name.isupper()
    }
    assert strange == set()


def test_nothing_reaches_beneath_python_but_what_the_tape_replaces() -> None:
    beneath = {path.name for path in SOURCES if {"ctypes", "cffi"} & _imports(path)}
    assert beneath == {"disk.py"}
    assert [path.name for path in INSIDE if {"shutil", "tempfile", "subprocess"} & _imports(path)] == []
    calling = {
        function.name
        for function in ast.walk(ast.parse(Path(disk.__file__).read_text()))
        if isinstance(function, ast.FunctionDef) and "_LIBC" in ast.dump(function)
    }
    assert calling == set(BENEATH)


def test_nobody_keeps_a_function_that_the_tape_replaces() -> None:
    kept = {
        (path.name, alias.name)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module == "os" and alias.name in SEEN and alias.name != "close") or alias.name in BENEATH
    }
    assert kept == set()


def _function_of_os(node: ast.AST) -> str:
    is_of_os = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
    return node.attr if is_of_os and isinstance(node, ast.Attribute) and node.attr != "path" else ""


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
