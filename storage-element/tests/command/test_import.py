"""`artstore-element import`: what was exported is in another element, whatever happens on the way."""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from element_core import open_core
from operator_command import PROGRAM, artstore_element, report, snapshot, told
from running_element import ElementAt
from stopped_element import LARGE, Stopped

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.files import FileAttributes, Hold, Retention
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.adapters.bag_writer import BagWriter
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.superblocks import Superblocks
from storage_element.domain import bag_format, layout
from storage_element.domain.superblock import Superblock


@dataclass
class Target:
    """Another element, which is stopped and empty at first."""

    root: Path

    @classmethod
    def made(cls, root: Path, mode: Mode = Mode.EDIT) -> "Target":
        root.mkdir()
        Superblocks(root, Fence(root)).open("edit-1", mode)
        return cls(root)

    def files(self) -> dict[UUID, FileAttributes]:
        """What `ls` shows."""
        ran = artstore_element("ls", "--json", self.root)
        assert ran.returncode == 0, ran.stderr
        found = [FileAttributes.model_validate_json(line) for line in ran.stdout.splitlines()]
        return {file.file_id: file for file in found}

    def content(self, file: FileAttributes, version: int = 1) -> bytes:
        return (self.root / layout.content_path(file.file_id, version)).read_bytes()

    def is_sound(self) -> bool:
        return artstore_element("check", self.root).returncode == 0


@pytest.fixture
def target(root: Path) -> Target:
    return Target.made(root.with_name("target"))


def imported(bag: Path, target: Target, code: int = 0) -> dict[str, object]:
    """The outcome of an import."""
    ran = artstore_element("import", "--json", bag, target.root)
    assert ran.returncode == code, ran.stderr
    outcome: dict[str, object] = report(ran)
    return outcome


def without_stamp(file: FileAttributes) -> dict[str, object]:
    return file.model_dump(exclude={"element"})


@pytest.fixture
def bag(stopped: Stopped, tmp_path: Path) -> Path:
    """Two documents, one of which has everything that a document can have."""
    content = stopped.element.content_path(stopped.small)
    content.rename(content.with_suffix(".v3"))
    stopped.rewrite(
        stopped.small,
        {"of_later": {"a": 1}, "version": 3},
        holds=[Hold(id="case-7", reason="суд").model_dump()],
        retention=json.loads(
            Retention(policy="five-years", retain_until="2031-01-01T00:00:00Z").model_dump_json(exclude_none=True)
        ),
        metadata={"number": 17, "nothing": None, "deep": {"x": [1.5, None]}},
        uploaded_by="accounting",
        revision=7,
        from_a_later_version={"kept": True},
    )
    assert artstore_element("export", stopped.root, tmp_path / "bag").returncode == 0
    return tmp_path / "bag"


def many(bag: Path, count: int) -> list[FileAttributes]:
    """A bag of small documents."""
    files = [document(number=number, content=b"content of %d" % number) for number in range(count)]
    writer = BagWriter(bag)
    for number, file in enumerate(files):
        content = writer.write(bag_format.content_name(file.file_id, 1), [b"content of %d" % number])
        writer.enter([content, writer.write(bag_format.attributes_name(file.file_id), [file.to_json()])])
    writer.finish([])
    writer.close()
    return files


def test_documents_come_back_equal(stopped: Stopped, bag: Path, target: Target) -> None:
    before = snapshot(bag)
    outcome = imported(bag, target)
    assert (outcome["documents"], outcome["stored"], outcome["stored_bytes"]) == (2, 2, len(LARGE) + 7)
    found = target.files()
    for file in (stopped.small, stopped.large):
        given = json.loads(stopped.element.attributes_path(file).read_bytes())
        now = json.loads((target.root / layout.attributes_path(file.file_id)).read_bytes())
        assert given.pop("element") != now.pop("element")
        assert now == given
        assert (found[file.file_id].element.id, found[file.file_id].element.epoch) == ("edit-1", 1)
    assert target.content(stopped.large) == LARGE
    assert target.content(stopped.small, version=3) == b"content"
    assert target.is_sound()
    assert list((target.root / layout.STAGING).glob("*/*")) == []
    assert snapshot(bag) == before


async def test_the_index_follows_at_the_next_start(
    stopped: Stopped, bag: Path, target: Target, element_at: ElementAt
) -> None:
    imported(bag, target)
    there = {stopped.small.file_id, stopped.large.file_id}
    async with element_at(target.root) as element, asyncio.timeout(10):
        while {change.file_id for change in (await element.feed_up_to(2)).items} != there:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # until it is rebuilt, the database shows what the first element had
        assert (await element.content(stopped.large.file_id)).content == LARGE
        assert (await element.remove(stopped.small.file_id)).status_code == 409  # the hold holds


def test_a_repeated_import_changes_nothing(bag: Path, target: Target) -> None:
    imported(bag, target)
    before = snapshot(target.root / layout.FILES)
    again = imported(bag, target)
    assert (again["stored"], again["present"], again["differing"]) == (0, 2, [])
    assert snapshot(target.root / layout.FILES) == before


async def test_what_is_there_already_stays(stopped: Stopped, bag: Path, target: Target) -> None:
    """The same content with other attributes is no error; another content is."""
    async with open_core(target.root) as core:
        await core.create(b"another", document(file_id=stopped.small.file_id, content=b"another"))
        await core.create(LARGE, stopped.large.model_copy(update={"tags": ["mine"]}))
    outcome = imported(bag, target, code=1)
    assert (outcome["stored"], outcome["present"]) == (0, 1)
    assert outcome["differing"] == [str(stopped.large.file_id)]
    assert outcome["refused"] == [
        {"file_id": str(stopped.small.file_id), "why": "is there with another content, which is kept"}
    ]
    assert target.content(stopped.small) == b"another"
    assert target.files()[stopped.large.file_id].tags == ["mine"]
    text = artstore_element("import", bag, target.root)
    assert "is there with other attributes, which are kept" in text.stderr.decode()
    assert "1 KEPT OUT" in text.stdout.decode()


async def test_what_a_crash_left_is_recovered_first(bag: Path, target: Target) -> None:
    async with open_core(target.root) as core:
        file = await core.create(b"acknowledged", document(content=b"acknowledged"))
    (target.root / layout.content_path(file.file_id, 1)).unlink()
    imported(bag, target)
    assert len(target.files()) == 3
    assert target.content(file) == b"acknowledged"
    assert target.is_sound()


def test_a_kill_in_the_middle_loses_nothing(tmp_path: Path, target: Target) -> None:
    files = many(tmp_path / "many", 600)
    for kill_at in (20, 300):
        popen = subprocess.Popen([PROGRAM, "import", str(tmp_path / "many"), str(target.root)])
        until = time.monotonic() + 30
        while popen.poll() is None and sum(1 for _ in (target.root / "files").rglob("*.attr.json")) < kill_at:
            assert time.monotonic() < until
        popen.send_signal(signal.SIGKILL)
        assert popen.wait(20) == -signal.SIGKILL
        assert len(target.files()) >= kill_at
    outcome = imported(tmp_path / "many", target)
    assert outcome["stored"] == len(files) - int(str(outcome["present"]))
    assert int(str(outcome["present"])) >= 300
    found = target.files()
    assert {file.file_id: without_stamp(file) for file in files} == {
        file_id: without_stamp(file) for file_id, file in found.items()
    }
    assert len({file.element.lsn for file in found.values()}) == len(files)
    assert target.is_sound()


def test_a_bag_that_is_not_sound_leaves_nothing(stopped: Stopped, bag: Path, target: Target) -> None:
    before = snapshot(target.root)
    (bag / bag_format.content_name(stopped.large.file_id, 1)).write_bytes(LARGE[:-1] + b"x")
    said = told(artstore_element("import", bag, target.root), 1)
    assert "is no sound bag, and nothing was stored: " in said
    assert snapshot(target.root) == before


@pytest.mark.parametrize(("mode", "code"), [(Mode.EDIT, 0), (Mode.RW, 0), (Mode.RO, 2), (Mode.AR, 2)])
def test_the_mode_is_respected(bag: Path, root: Path, mode: Mode, code: int) -> None:
    target = Target.made(root.with_name("another"), mode)
    ran = artstore_element("import", bag, target.root)
    assert ran.returncode == code
    assert (f"An element of mode {mode.value} does not allow create" in ran.stderr.decode()) is bool(code)


async def test_an_element_that_is_being_served_takes_no_import(
    bag: Path, target: Target, element_at: ElementAt
) -> None:
    async with element_at(target.root):
        assert "another process serves" in told(artstore_element("import", bag, target.root), 2)


def test_no_element_is_made(bag: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "element.json" in told(artstore_element("import", bag, tmp_path / "empty"), 2)
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_full_element_takes_no_import(bag: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot come in is told; with room again, the same import goes on."""
    monkeypatch.setenv("ARTSTORE_CAPACITY__RESERVE_BYTES", str(2**60))
    assert "has room for 0 bytes" in told(artstore_element("import", bag, target.root), 2)
    assert target.files() == {}
    monkeypatch.delenv("ARTSTORE_CAPACITY__RESERVE_BYTES")
    assert imported(bag, target)["stored"] == 2


def test_attributes_that_find_no_room_are_refused_at_once(tmp_path: Path, target: Target) -> None:
    [file] = many(tmp_path / "many", 1)
    room = 4096 - len(file.to_json()) - 20
    long = file.model_copy(update={"metadata": {"x": "x" * room}})
    path = tmp_path / "many" / bag_format.attributes_name(file.file_id)
    writer = BagWriter(tmp_path / "long")
    content = writer.write(bag_format.content_name(file.file_id, 1), [b"content of 0"])
    writer.enter([content, writer.write(str(path.relative_to(tmp_path / "many")), [long.to_json()])])
    writer.finish([])
    writer.close()
    assert "4096 are allowed" in told(artstore_element("import", tmp_path / "long", target.root), 2)
    assert Superblock.model_validate_json((target.root / layout.SUPERBLOCK).read_bytes()).epoch == 0


def test_the_audit_log_is_told_who_brought_the_documents_in(bag: Path, target: Target, tmp_path: Path) -> None:
    imported(bag, target)
    lines = [line for path in (tmp_path / "audit").glob("*.jsonl") for line in path.read_bytes().splitlines()]
    entries = [AuditEntry.model_validate_json(line) for line in lines]
    assert {entry.resource for entry in entries} == {f"file:{file_id}" for file_id in target.files()}
    assert len(entries) == len(target.files()) == 2
    me = pwd.getpwuid(os.getuid()).pw_name
    assert {(entry.action, entry.actor, entry.client_id) for entry in entries} == {
        ("file.create", me, "artstore-element")
    }
