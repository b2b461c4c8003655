"""`artstore-element ls` and `cat`: documents out of a bare directory, stopped, crashed or being served."""

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from element_core import inline, open_core
from operator_command import PROGRAM, artstore_element, snapshot, told
from running_element import Element, ElementAt
from stopped_element import LARGE, Stopped

from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.documents import document
from storage_element.adapters.local.bare_element import bare_element
from storage_element.adapters.local.disk import take_lock
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.services.drafts import Draft


def listed(root: Path, code: int = 0) -> list[FileAttributes]:
    """What `ls --json` gives, in its order."""
    ran = artstore_element("ls", "--json", root)
    assert ran.returncode == code, ran.stderr
    return [FileAttributes.model_validate_json(line) for line in ran.stdout.splitlines()]


def content(root: Path, file_id: UUID) -> bytes:
    ran = artstore_element("cat", root, file_id)
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout


def test_documents_are_listed_in_the_order_of_their_ids(stopped: Stopped) -> None:
    before = snapshot(stopped.root)
    ran = artstore_element("ls", stopped.root)
    assert (ran.returncode, ran.stderr) == (0, b"")
    lines = ran.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == sorted(str(each.file_id) for each in (stopped.small, stopped.large))
    assert any("            7  " in line and line.endswith("  default  Договор.txt") for line in lines)
    assert listed(stopped.root) == sorted([stopped.small, stopped.large], key=lambda file: file.file_id)
    assert snapshot(stopped.root) == before


def test_the_content_is_written_out(stopped: Stopped) -> None:
    assert content(stopped.root, stopped.large.file_id) == LARGE
    assert content(stopped.root, stopped.small.file_id) == b"content"


async def test_what_only_the_journal_knows_is_there(root: Path) -> None:
    """After a power cut: nothing that was placed reached the disk."""
    async with open_core(root) as core:
        kept = await core.create(b"kept")
        gone = await core.create(b"gone")
        changed = await core.commit(Draft(Kind.CHANGE, kept.model_copy(update={"revision": 2, "tags": ["new"]})))
        await core.commit(Draft(Kind.REMOVE, gone))
        early = await core.create(b"early", document(file_id=new_file_id(1)))
        staging = new_file_id()
        core.files.staged(staging).write_bytes(LARGE)
        staged = await core.commit(Draft(Kind.CREATE_STAGED, document(content=LARGE), staging=staging))
        (root / layout.content_path(staged.file_id, 1)).rename(core.files.staged(staging))
    shutil.rmtree(root / layout.FILES)
    (root / layout.FILES).mkdir()
    before = snapshot(root)
    assert listed(root) == sorted([early, changed, staged], key=lambda file: file.file_id)
    assert content(root, staged.file_id) == LARGE
    assert told(artstore_element("cat", root, gone.file_id), 2).endswith(f"The file {gone.file_id} was removed.")
    assert snapshot(root) == before


async def test_the_journal_stands_above_the_files(root: Path) -> None:
    """A crash may leave a file half in place; the replay will write it anew."""
    file = document(content=b"whole")
    async with open_core(root) as core:
        await core.commit(inline(file, b"whole"))
    (root / layout.content_path(file.file_id, 1)).write_bytes(b"wh")
    (root / layout.attributes_path(file.file_id)).unlink()
    assert [each.file_id for each in listed(root)] == [file.file_id]
    assert content(root, file.file_id) == b"whole"


async def test_a_running_element_is_read_as_it_serves(element: Element) -> None:
    first, second = await element.put(b"first"), await element.put(b"second")
    assert listed(element.root) == [first, second]
    await element.remove(first.file_id)
    assert listed(element.root) == [second]
    assert content(element.root, second.file_id) == b"second"
    assert (await element.send()).status_code == 201


async def test_what_a_stale_master_wrote_is_not_there(root: Path) -> None:
    """Behind the checkpoint of a newer one it was never acknowledged."""
    async with open_core(root) as core:
        await core.create(b"acknowledged")
    shutil.rmtree(root / layout.FILES)
    (root / layout.FILES).mkdir()
    assert len(listed(root)) == 1
    path = root / layout.SUPERBLOCK
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"checkpoint_epoch": 2}))
    assert listed(root) == []


def test_an_element_that_is_being_started_is_no_empty_one(stopped: Stopped) -> None:
    """The lock is held and the epoch raised, and the journal of the epoch before is being replayed."""
    lock = take_lock(stopped.root / layout.LOCK)
    try:
        assert len(listed(stopped.root)) == 2
        [directory] = (stopped.root / layout.STAGING).iterdir()
        directory.rename(directory.with_name("2"))  # the first step of taking over
        assert "is replaying the journal" in told(artstore_element("ls", stopped.root), 2)
        superblocks = Superblocks(stopped.root, Fence(stopped.root))
        superblocks.open("edit-1", stopped.element.services.reader._superblocks.current.mode)
        superblocks.take_over()
        assert "is replaying the journal" in told(artstore_element("ls", stopped.root), 2)
    finally:
        os.close(lock)


async def test_who_looks_keeps_no_element_from_starting(root: Path, element_at: ElementAt) -> None:
    async with open_core(root) as core:
        file = await core.create(b"content")
    with bare_element(root) as seen:
        async with element_at(root) as element:
            await element.put()
            assert file.file_id in list(seen.ids(lambda *_: None))
            assert b"".join(seen.content(file)) == b"content"


def test_compressed_content_is_given_as_it_was(stopped: Stopped) -> None:
    stopped.element.content_path(stopped.small).write_bytes(gzip.compress(b"content"))
    stopped.rewrite(stopped.small, {"encoding": "gzip"})
    assert content(stopped.root, stopped.small.file_id) == b"content"


def cut_short(at: Stopped, file: FileAttributes) -> None:
    """Zipped content that ends too early."""
    at.element.content_path(file).write_bytes(gzip.compress(b"content")[:-4])
    at.rewrite(file, {"encoding": "gzip"})


DAMAGES: list[tuple[Callable[[Stopped, FileAttributes], object], str]] = [
    (lambda at, file: at.flip(file), "has the sha-256"),
    (lambda at, file: at.element.content_path(file).write_bytes(b""), "has the sha-256"),
    (lambda at, file: at.element.content_path(file).unlink(), "its content is missing"),
    (lambda at, file: at.element.attributes_path(file).write_bytes(b'{"half'), "its attributes cannot be read"),
    (lambda at, file: at.rewrite(file, file_id=str(new_file_id())), "holds the attributes of"),
    (lambda at, file: at.rewrite(file, {"encoding": "br"}), "cannot undo"),
    (lambda at, file: at.rewrite(file, {"encoding": "gzip"}), "cannot be unzipped"),
    (cut_short, "ends too early"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGES)
def test_damaged_content_is_told(
    stopped: Stopped, damage: Callable[[Stopped, FileAttributes], object], says: str
) -> None:
    damage(stopped, stopped.small)
    ran = artstore_element("cat", stopped.root, stopped.small.file_id)
    assert ran.returncode == 1
    [line] = ran.stderr.decode().splitlines()
    assert line.startswith(f"artstore-element: {stopped.small.file_id}: ")
    assert says in line


def test_damaged_attributes_keep_nothing_else_from_being_listed(stopped: Stopped) -> None:
    stopped.element.attributes_path(stopped.small).write_bytes(b'{"half')
    elsewhere = stopped.root / "files/2020/01/01/00/00"
    elsewhere.mkdir(parents=True)
    (elsewhere / f"{new_file_id()}.attr.json").write_bytes(stopped.element.attributes_path(stopped.large).read_bytes())
    ran = artstore_element("ls", stopped.root)
    assert (ran.returncode, len(ran.stdout.splitlines())) == (1, 1)
    assert "is not in the directory that its id names" in ran.stderr.decode()
    assert f"{stopped.small.file_id}: its attributes cannot be read" in ran.stderr.decode()


def test_a_damaged_journal_is_told_and_the_files_are_listed(stopped: Stopped) -> None:
    [segment] = (stopped.root / layout.JOURNAL).iterdir()
    segment.write_bytes(b"?" * 511 + segment.read_bytes()[511:])
    ran = artstore_element("ls", stopped.root)
    assert (ran.returncode, len(ran.stdout.splitlines())) == (1, 2)
    assert "the header cannot be read" in ran.stderr.decode()
    read = artstore_element("cat", stopped.root, stopped.small.file_id)
    assert (read.returncode, read.stdout) == (1, b"content")


def test_a_directory_that_cannot_be_read_is_no_empty_one(stopped: Stopped) -> None:
    shutil.rmtree(stopped.root / layout.FILES)
    assert "files: cannot be read" in told(artstore_element("ls", stopped.root), 1)


def test_no_name_says_anything_to_a_terminal(stopped: Stopped) -> None:
    path = stopped.element.attributes_path(stopped.small)
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"metadata": {"a": "\x9b2J"}}, ensure_ascii=False))
    stopped.element.attributes_path(stopped.large).write_text('{"name": "\x1b[2J"}')
    for options in ([], ["--json"]):
        ran = artstore_element("ls", *options, stopped.root)
        assert not {"\x1b", "\x9b"} & set((ran.stdout + ran.stderr).decode())
    assert listed(stopped.root, 1)[0].metadata == {"a": "\x9b2J"}


@pytest.mark.parametrize("file_id", ["01a206ec-4559-77e3-b80d-675c0cfe63b4", "nonsense", "../../../etc/passwd"])
def test_an_unknown_id_is_told(stopped: Stopped, file_id: str) -> None:
    assert file_id[:20] in told(artstore_element("cat", stopped.root, file_id), 2)


def test_what_is_no_element_is_told(tmp_path: Path) -> None:
    for arguments in (["ls", tmp_path], ["cat", tmp_path, new_file_id()]):
        assert "element.json" in told(artstore_element(*arguments), 2)


def test_a_reader_that_goes_away_is_no_error(stopped: Stopped) -> None:
    popen = subprocess.Popen(
        [PROGRAM, "cat", str(stopped.root), str(stopped.large.file_id)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert popen.stdout is not None
    assert popen.stderr is not None
    popen.stdout.close()
    assert (popen.wait(30), popen.stderr.read()) == (141, b"")
    popen.stderr.close()
