"""`artstore-element export`: a bag that BagIt's own judge accepts, or none."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from element_core import open_core
from operator_command import PROGRAM, artstore_element, report, snapshot, told
from running_element import Element
from stopped_element import LARGE, Stopped

from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.documents import document
from storage_element.adapters.bag_writer import BagWriter
from storage_element.adapters.local import disk
from storage_element.domain import bag_format, layout


def judged(target: Path) -> bagit.Bag:
    """The bag, when the `bagit` package finds it valid."""
    bag = bagit.Bag(str(target))
    bag.validate()
    return bag


def payload(target: Path) -> dict[str, bytes]:
    """Every file of the payload by its name."""
    return {path.name: path.read_bytes() for path in (target / "data").rglob("*") if path.is_file()}


def no_bag(target: Path) -> bool:
    """Whether nothing is left that was to become a bag."""
    return not target.exists() and not target.with_name(f"{target.name}.partial").exists()


def test_all_documents_with_their_attributes_become_a_bag(stopped: Stopped, tmp_path: Path) -> None:
    before = snapshot(stopped.root)
    ran = artstore_element("export", stopped.root, tmp_path / "bag")
    assert (ran.returncode, ran.stderr) == (0, b""), ran.stderr
    assert ran.stdout.decode().startswith(f"{tmp_path}/bag: 2 documents, 1.0 MB in ")
    bag = judged(tmp_path / "bag")
    assert bag.version_info == (1, 0)
    assert sorted(bag.algorithms) == ["sha256", "sha512"]
    assert bag.info["Payload-Oxum"].endswith(".4")
    assert (bag.info["External-Identifier"], bag.info["ArtStore-Documents"]) == ("edit-1", "2")
    assert payload(tmp_path / "bag") == {
        path.name: path.read_bytes()
        for file in (stopped.small, stopped.large)
        for path in (stopped.element.content_path(file), stopped.element.attributes_path(file))
    }
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("bag")] == ["bag"]
    assert snapshot(stopped.root) == before


def test_the_tags_are_covered_too(stopped: Stopped, tmp_path: Path) -> None:
    artstore_element("export", stopped.root, tmp_path / "bag")
    for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt"):
        path = tmp_path / "bag" / name
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"e", b"E", 1))
        with pytest.raises((bagit.BagError, bagit.BagValidationError)):
            judged(tmp_path / "bag")
        path.write_bytes(whole)
    judged(tmp_path / "bag")


def test_the_outcome_is_told_as_json(stopped: Stopped, tmp_path: Path) -> None:
    outcome = report(artstore_element("export", "--json", stopped.root, tmp_path / "bag"))
    assert (outcome["bag"], outcome["documents"], outcome["damaged"]) == (str(tmp_path / "bag"), 2, [])
    assert outcome["content_bytes"] == len(LARGE) + 7


def test_documents_that_are_named_are_exported(stopped: Stopped, tmp_path: Path) -> None:
    names = ["--id", stopped.small.file_id, "--id", stopped.small.file_id]
    assert artstore_element("export", *names, stopped.root, tmp_path / "bag").returncode == 0
    judged(tmp_path / "bag")
    assert len(payload(tmp_path / "bag")) == 2


@pytest.mark.parametrize(("pattern", "count"), [("hr/2026", 1), ("hr/*", 2), ("*", 3)])
async def test_a_collection_is_exported(root: Path, tmp_path: Path, pattern: str, count: int) -> None:
    """From a crashed element: what only the journal knows is exported with the rest."""
    async with open_core(root) as core:
        for number, collection in enumerate(["default", "hr/2025", "hr/2026"]):
            await core.create(b"content", document(content=b"content", number=number, collection=collection))
    shutil.rmtree(root / layout.FILES)
    (root / layout.FILES).mkdir()
    assert artstore_element("export", "--collection", pattern, root, tmp_path / "bag").returncode == 0
    judged(tmp_path / "bag")
    assert len(payload(tmp_path / "bag")) == 2 * count


async def test_a_running_element_is_exported(element: Element, tmp_path: Path) -> None:
    for number in range(3):
        await element.put(b"%d" % number)
    assert artstore_element("export", element.root, tmp_path / "bag").returncode == 0
    judged(tmp_path / "bag")
    assert len(payload(tmp_path / "bag")) == 6


DAMAGES: list[Callable[[Stopped], object]] = [
    lambda at: at.flip(at.large),
    lambda at: at.element.content_path(at.large).unlink(),
    lambda at: at.element.attributes_path(at.large).write_bytes(b'{"half'),
    lambda at: at.rewrite(at.large, {"stored_size": 7}),
    lambda at: at.element.attributes_path(at.large).rename(at.root / f"files/{at.large.file_id}.attr.json"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_told_and_never_silently_left_out(
    stopped: Stopped, tmp_path: Path, damage: Callable[[Stopped], object]
) -> None:
    damage(stopped)
    refused = artstore_element("export", stopped.root, tmp_path / "bag")
    assert refused.returncode == 1
    assert str(stopped.large.file_id) in refused.stderr.decode()
    assert no_bag(tmp_path / "bag")
    made = artstore_element("export", "--without-damaged", "--json", stopped.root, tmp_path / "bag")
    assert made.returncode == 1
    assert str(stopped.large.file_id) in report(made)["damaged"][0]["what"]
    assert str(stopped.large.file_id) in judged(tmp_path / "bag").info["ArtStore-Left-Out"]
    assert {name.split(".")[0] for name in payload(tmp_path / "bag")} == {str(stopped.small.file_id)}


def test_a_damaged_journal_makes_no_bag(stopped: Stopped, tmp_path: Path) -> None:
    [segment] = (stopped.root / layout.JOURNAL).iterdir()
    segment.write_bytes(b"?" * 511 + segment.read_bytes()[511:])
    refused = artstore_element("export", stopped.root, tmp_path / "bag")
    assert (refused.returncode, no_bag(tmp_path / "bag")) == (1, True)
    assert "journal: " in refused.stderr.decode()


def test_no_name_that_people_gave_reaches_the_disk(stopped: Stopped, tmp_path: Path) -> None:
    target = tmp_path / "in/bag"
    target.parent.mkdir()
    path = stopped.element.attributes_path(stopped.small)
    given = json.loads(path.read_bytes()) | {"metadata": {"path": "../../escaped"}}
    given["content"]["name"] = "%0A data bagit.txt"
    path.write_text(json.dumps(given))
    artstore_element("export", stopped.root, target)
    judged(target)
    assert {name.split(".")[0] for name in payload(target)} == {
        str(file.file_id) for file in (stopped.small, stopped.large)
    }


def test_without_a_document_there_is_no_bag(stopped: Stopped, tmp_path: Path) -> None:
    for names in (["--id", new_file_id()], ["--collection", "nobody's"], ["--id", "../x"]):
        told(artstore_element("export", *names, stopped.root, tmp_path / "bag"), 2)
        assert no_bag(tmp_path / "bag")


def test_what_is_there_is_left_as_it_is(stopped: Stopped, tmp_path: Path) -> None:
    for name, says in (("bag", "exists already"), ("bag.partial", "remove it first")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("mine")
        assert says in told(artstore_element("export", stopped.root, tmp_path / "bag"), 2)
        assert (tmp_path / name / "mine").read_text() == "mine"
        shutil.rmtree(tmp_path / name)
    assert "is no directory" in told(artstore_element("export", stopped.root, tmp_path / "not/there"), 2)


def test_a_full_disk_leaves_no_bag(stopped: Stopped, small_disk: Path) -> None:
    assert "No space left" in told(artstore_element("export", stopped.root, small_disk / "bag"), 2)
    assert list(small_disk.iterdir()) == []


def test_a_crash_leaves_no_bag_that_looks_whole(stopped: Stopped, tmp_path: Path) -> None:
    """Killed when the first document is in and the second one is being read."""
    first, second = sorted([stopped.small, stopped.large], key=lambda file: file.file_id)
    content = stopped.element.content_path(second)
    content.unlink()
    subprocess.run(["mkfifo", str(content)], check=True)
    popen = subprocess.Popen([PROGRAM, "export", str(stopped.root), str(tmp_path / "bag")])
    partial = tmp_path / "bag.partial"
    until = time.monotonic() + 20
    while not any(partial.rglob(f"{second.file_id}.v1")):
        assert time.monotonic() < until
        time.sleep(0.01)
    popen.kill()
    popen.wait(20)
    assert any(partial.rglob(f"{first.file_id}.attr.json"))
    assert not (tmp_path / "bag").exists()
    with pytest.raises(bagit.BagError):
        bagit.Bag(str(partial))


def test_the_bag_is_synced_before_it_is_called_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut may find at each moment."""
    seen: list[tuple[bool, bool]] = []

    def sync(fd: int) -> None:
        seen.append(((tmp_path / "bag.partial/bagit.txt").exists(), (tmp_path / "bag").exists()))
        raise OSError(5, "Input/output error")

    writer = BagWriter(tmp_path / "bag")
    writer.enter([writer.write(bag_format.content_name(new_file_id(), 1), [b"content"])])
    monkeypatch.setattr(disk, "sync_file_system", sync)
    with pytest.raises(OSError, match="Input/output error"):
        writer.finish([])
    writer.close()
    assert seen == [(False, False)]
    assert no_bag(tmp_path / "bag")
