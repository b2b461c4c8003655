"""The element's own care on a local file system: walking, rereading, putting aside, notes."""

import ctypes
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fences import taken_over

from artstore_kit.contracts.ids import new_file_id
from storage_element.adapters.local import disk
from storage_element.adapters.local.upkeep import LocalUpkeep
from storage_element.domain import layout
from storage_element.domain.judgement import Kind
from storage_element.domain.storage import ContentMissing
from storage_element.domain.upkeep import ContentUnreadable, Reason

FILE_ID = new_file_id()


@pytest.fixture
def element(tmp_path: Path) -> Path:
    """A directory on a disk, so that there is a cache to be read past."""
    for name in (layout.FILES, layout.STAGING, layout.QUARANTINE):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def upkeep(element: Path) -> Iterator[LocalUpkeep]:
    upkeep = LocalUpkeep(element, taken_over(element))
    yield upkeep
    upkeep.close()


def written(root: Path, path: str, data: bytes = b"x") -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def reason(path: str, kind: Kind = Kind.CONTENT_CORRUPT) -> Reason:
    return Reason(kind=kind, path=path, detail="has 6 bytes, and had 7", found_at=datetime.now(UTC), file_id=FILE_ID)


async def unhurried(_: int) -> None:
    """As fast as it goes."""


async def walked(upkeep: LocalUpkeep, first: str = "") -> list[tuple[str, list[str]]]:
    return [(each.path, [entry.name for entry in each.entries]) async for each in upkeep.walk(first)]


async def reasons(upkeep: LocalUpkeep) -> list[Reason]:
    return [Reason.model_validate_json(each) async for batch in upkeep.reasons() for each in batch]


# --- walk


async def test_directories_come_in_the_order_of_their_paths(element: Path, upkeep: LocalUpkeep) -> None:
    for path in ("files/2026/02/01/00/00/b", "files/2026/02/01/00/00/a", "files/2026/01/31/23/59/c", "files/odd"):
        written(element, path, b"123")
    assert await walked(upkeep) == [
        ("files", ["odd"]),
        ("files/2026/01/31/23/59", ["c"]),
        ("files/2026/02/01/00/00", ["a", "b"]),
    ]
    [first, *_] = [each async for each in upkeep.walk()]
    assert first.entries[0].size == 3


async def test_a_walk_goes_on_where_it_is_told(element: Path, upkeep: LocalUpkeep) -> None:
    for minute in ("2025/12/31/23/59", "2026/01/31/23/59", "2026/02/01/00/00", "2026/02/01/00/01"):
        written(element, f"files/{minute}/x")
    assert [path for path, _ in await walked(upkeep, "files/2026/02/01/00/00")] == [
        "files/2026/02/01/00/00",
        "files/2026/02/01/00/01",
    ]


async def test_a_directory_that_cannot_be_read_is_told(
    element: Path, upkeep: LocalUpkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(element, "files/2026/x")
    written(element, "files/2027/y")
    scandir = os.scandir

    def fails(path: Path) -> Iterator[os.DirEntry[str]]:
        if path.name == "2026":
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fails)
    found = [(each.path, each.error, len(each.entries)) async for each in upkeep.walk()]
    assert found == [("files/2026", "cannot be read: Input/output error", 0), ("files/2027", "", 1)]


# --- reread


@pytest.mark.parametrize("size", [0, 1, 4096, 4 * 2**20, 9 * 2**20 + 5])
async def test_content_is_read_whole_a_piece_at_a_time(element: Path, upkeep: LocalUpkeep, size: int) -> None:
    content = os.urandom(size)
    written(element, layout.content_path(FILE_ID, 1), content)
    pieces: list[int] = []

    async def pace(size_bytes: int) -> None:
        pieces.append(size_bytes)

    read = await upkeep.reread(FILE_ID, 1, pace)
    assert (read.size, read.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert sum(pieces) == size
    assert max(pieces, default=0) <= 4 * 2**20


async def test_the_disk_is_read_and_not_the_page_cache(element: Path, upkeep: LocalUpkeep) -> None:
    """Reading leaves nothing in the cache, and counts as reading from the device."""
    path = written(element, layout.content_path(FILE_ID, 1), os.urandom(2**20))
    with path.open("rb") as content:
        os.fsync(content.fileno())

    def from_device() -> int:
        return int(dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["read_bytes"])

    before = from_device()
    await upkeep.reread(FILE_ID, 1, unhurried)
    assert from_device() - before >= 2**20


async def test_a_file_system_without_direct_reads(
    element: Path, upkeep: LocalUpkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(element, layout.content_path(FILE_ID, 1), b"content")
    really = os.open

    def without_direct(path: Path, flags: int, *mode: int) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return really(path, flags, *mode)

    monkeypatch.setattr(os, "open", without_direct)
    assert (await upkeep.reread(FILE_ID, 1, unhurried)).size == 7


async def test_missing_content_is_missing(upkeep: LocalUpkeep) -> None:
    with pytest.raises(ContentMissing):
        await upkeep.reread(FILE_ID, 1, unhurried)


@pytest.mark.parametrize(("number", "may_pass"), [(errno.EIO, False), (errno.EACCES, True)])
@pytest.mark.parametrize("call", ["open", "preadv"])
async def test_what_an_error_says_of_the_content(
    element: Path, upkeep: LocalUpkeep, monkeypatch: pytest.MonkeyPatch, number: int, may_pass: bool, call: str
) -> None:
    written(element, layout.content_path(FILE_ID, 1))

    def fails(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fails)
        with pytest.raises(ContentUnreadable) as told:
            await upkeep.reread(FILE_ID, 1, unhurried)
    assert told.value.may_pass is may_pass


async def test_being_short_of_files_says_nothing_of_the_content(
    element: Path, upkeep: LocalUpkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(element, layout.content_path(FILE_ID, 1))

    def fails(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", fails)
        with pytest.raises(OSError, match="Too many"):
            await upkeep.reread(FILE_ID, 1, unhurried)


# --- put aside


async def test_what_is_put_aside_lies_beside_its_reason(element: Path, upkeep: LocalUpkeep) -> None:
    path = layout.content_path(FILE_ID, 1)
    for content in (b"first", b"second"):
        written(element, path, content)
        put = await upkeep.put_aside(reason(path), path)
        assert put.moved_to is not None
        assert (element / layout.QUARANTINE / put.moved_to).read_bytes() == content
        assert not (element / path).exists()
    names = sorted(each.name for each in (element / layout.QUARANTINE).iterdir())
    assert names == [f"{FILE_ID}.v1.1", f"{FILE_ID}.v1.1.reason.json", f"{FILE_ID}.v1.2", f"{FILE_ID}.v1.2.reason.json"]
    shown = json.loads((element / layout.QUARANTINE / names[1]).read_bytes())
    assert (shown["format"], shown["kind"], shown["path"]) == ("artstore-quarantine", "content_corrupt", path)


async def test_nothing_in_quarantine_is_ever_written_over(element: Path, upkeep: LocalUpkeep) -> None:
    path = layout.content_path(FILE_ID, 1)
    written(element, path, b"damaged")
    written(element, f"{layout.QUARANTINE}/{FILE_ID}.v1.1", b"older")
    written(element, f"{layout.QUARANTINE}/{FILE_ID}.v1.2.reason.json", b"{}")
    assert (await upkeep.put_aside(reason(path), path)).moved_to == f"{FILE_ID}.v1.3"
    assert (element / layout.QUARANTINE / f"{FILE_ID}.v1.1").read_bytes() == b"older"
    assert list((element / layout.STAGING).glob("*/*")) == []


async def test_a_mark_moves_nothing(element: Path, upkeep: LocalUpkeep) -> None:
    path = layout.content_path(FILE_ID, 1)
    written(element, path)
    assert (await upkeep.put_aside(reason(path), None)).moved_to is None
    assert (element / path).exists()
    assert [each.path for each in await reasons(upkeep)] == [path]


async def test_the_reason_is_durable_before_anything_moves(
    element: Path, upkeep: LocalUpkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between, there is the reason, and the content where it was."""
    path = layout.content_path(FILE_ID, 1)
    written(element, path, b"damaged")
    steps: list[str] = []
    rename, sync = disk.rename_new, disk.sync_directory

    def renames(source: Path, target: Path) -> None:
        steps.append(f"rename {target.name}")
        if target.name == f"{FILE_ID}.v1.1":
            raise KeyboardInterrupt
        rename(source, target)

    def syncs(directory: Path) -> None:
        steps.append(f"sync {directory.name}")
        sync(directory)

    with monkeypatch.context() as patched:
        patched.setattr(disk, "rename_new", renames)
        patched.setattr(disk, "sync_directory", syncs)
        with pytest.raises(KeyboardInterrupt):
            upkeep._put_aside(reason(path), path)
    assert steps == [f"rename {FILE_ID}.v1.1.reason.json", "sync quarantine", f"rename {FILE_ID}.v1.1"]
    assert (element / path).read_bytes() == b"damaged"
    assert (await upkeep.put_aside(reason(path), path)).moved_to == f"{FILE_ID}.v1.2"
    assert len(await reasons(upkeep)) == 2


KILLED = Path(__file__).parents[2] / "shared/killed_upkeep.py"


def test_killed_at_each_step_the_content_is_at_one_place_whole(element: Path) -> None:
    """And when it was moved its reason is there. What was begun is done again, beside what there is."""
    path, steps = layout.content_path(FILE_ID, 1), 0
    for steps in range(100):
        written(element, path, b"damaged")
        done = subprocess.run([sys.executable, str(KILLED), str(element), path, str(steps)], check=False, timeout=60)
        moved = sorted(each for each in (element / layout.QUARANTINE).iterdir() if each.suffix != ".json")
        assert (element / path).exists() is (len(moved) == 0)
        for each in moved:
            assert each.read_bytes() == b"damaged"
            told = json.loads(each.with_name(f"{each.name}{layout.REASON_SUFFIX}").read_bytes())
            assert told["moved_to"] == each.name
        for each in (element / layout.QUARANTINE).iterdir():
            each.rename(element / f"{steps}-{each.name}")
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert steps == 12


async def test_what_belongs_to_another_may_be_sound(upkeep: LocalUpkeep, element: Path) -> None:
    """The thread reads as nobody: permission is missing, and nothing else."""
    written(element, layout.content_path(FILE_ID, 1)).chmod(0o600)
    libc = ctypes.CDLL(None)
    await upkeep._run(libc.setfsuid, 65_534)
    with pytest.raises(ContentUnreadable, match="Permission denied") as told:
        await upkeep.reread(FILE_ID, 1, unhurried)
    assert told.value.may_pass


def test_a_rename_is_never_over_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = written(tmp_path, "source", b"new"), written(tmp_path, "target", b"old")
    with pytest.raises(FileExistsError):
        disk.rename_new(source, target)
    assert (source.read_bytes(), target.read_bytes()) == (b"new", b"old")


# --- notes


async def test_notes_are_kept(element: Path, upkeep: LocalUpkeep) -> None:
    assert await upkeep.note("scrub") is None
    await upkeep.take_note("scrub", b"1")
    await upkeep.take_note("scrub", b"2")
    assert await upkeep.note("scrub") == b"2"
    assert [path.name for path in (element / layout.NOTES).iterdir()] == ["scrub.json"]


async def test_its_thread_stands_back_behind_the_others(upkeep: LocalUpkeep) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, 0)

    assert await upkeep._run(niceness) >= niceness() + 10 or niceness() >= 10
