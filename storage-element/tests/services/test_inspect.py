"""`artstore-element check`: what is damaged is found and named, nothing is changed, and there is no false alarm."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from process import started
from running_element import SettingsAt
from stopped_element import LARGE, Stopped

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.settings import PostgresSettings
from storage_element.domain import layout


def check(root: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("artstore-element")), "check", *options, str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def findings(root: Path, *options: str) -> dict[str, str]:
    """Kind by path, from a check that ended as its report says."""
    checked = check(root, "--json", *options)
    report = json.loads(checked.stdout)
    assert checked.returncode == (0 if report["sound"] else 1)
    assert report["sound"] is not any(finding["is_damage"] for finding in report["findings"])
    return {finding["path"]: finding["kind"] for finding in report["findings"]}


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


def test_a_sound_element_is_sound_and_untouched(stopped: Stopped) -> None:
    before = tree(stopped.root)
    checked = check(stopped.root)
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.startswith("element edit-1, mode edit, epoch 1\n2 documents, 1.0 MB, content read in ")
    assert checked.stdout.endswith(": sound\n")
    report = json.loads(check(stopped.root, "--json", "--quick").stdout)
    assert (report["documents"], report["content_bytes"], report["pending"]) == (2, len(LARGE) + 7, 0)
    assert (report["sound"], report["findings"]) == (True, [])
    assert tree(stopped.root) == before


DAMAGES: list[tuple[Callable[[Stopped], object], str, bool]] = [
    (lambda at: at.flip(at.large), "content_corrupt", False),
    (lambda at: at.element.content_path(at.large).write_bytes(LARGE[:-1]), "content_corrupt", True),
    (lambda at: at.element.content_path(at.large).write_bytes(b""), "content_corrupt", True),
    (lambda at: at.element.content_path(at.large).unlink(), "content_missing", True),
    (lambda at: at.element.attributes_path(at.large).write_bytes(b'{"half'), "attributes_unreadable", True),
    (lambda at: at.element.attributes_path(at.large).write_bytes(b""), "attributes_unreadable", True),
    (lambda at: at.rewrite(at.large, file_id=str(at.small.file_id)), "misplaced", True),
    (lambda at: at.rewrite(at.large, metadata={"x": "y" * 5000}), "attributes_unreadable", True),
]


@pytest.mark.parametrize(("damage", "kind", "by_size"), DAMAGES)
def test_damage_is_found(stopped: Stopped, damage: Callable[[Stopped], object], kind: str, by_size: bool) -> None:
    damage(stopped)
    [(path, found)] = findings(stopped.root).items()
    assert found == kind
    assert str(stopped.large.file_id) in path
    assert bool(findings(stopped.root, "--quick")) is by_size
    checked = check(stopped.root)
    assert f"{kind}  {path}: " in checked.stdout
    assert checked.stdout.endswith(": DAMAGED\n")


def test_two_contents_that_changed_places_are_found(stopped: Stopped) -> None:
    first, second = (stopped.element.content_path(file) for file in (stopped.small, stopped.large))
    first.rename(first.with_name("aside"))
    second.rename(first)
    first.with_name("aside").rename(second)
    assert set(findings(stopped.root).values()) == {"content_corrupt"}


def test_a_document_in_another_directory_is_found(stopped: Stopped) -> None:
    """By its id nobody would find it there."""
    elsewhere = stopped.root / layout.FILES / "2020/01/01/00/00"
    elsewhere.mkdir(parents=True)
    for path in (stopped.element.attributes_path(stopped.small), stopped.element.content_path(stopped.small)):
        path.rename(elsewhere / path.name)
    assert findings(stopped.root) == {
        f"files/2020/01/01/00/00/{stopped.small.file_id}.attr.json": "misplaced",
    }


def test_what_nobody_was_promised_is_told_and_is_no_damage(stopped: Stopped) -> None:
    directory = stopped.element.attributes_path(stopped.small).parent
    orphan = new_file_id()
    (directory / f"{orphan}.v1").write_bytes(b"never acknowledged")
    for name in ("Thumbs.db", "x.attr.json", f"{UUID(int=7)}.v0", f"{str(orphan).upper()}.attr.json"):
        (directory / name).write_bytes(b"foreign")
    found = findings(stopped.root)
    assert sorted(found.values()) == ["foreign"] * 4 + ["unclaimed_content"]
    assert check(stopped.root).returncode == 0


def test_a_damaged_journal_is_found(stopped: Stopped) -> None:
    [segment] = (stopped.root / layout.JOURNAL).iterdir()
    segment.write_bytes(b"?" * 511 + segment.read_bytes()[511:])
    assert findings(stopped.root) == {"journal": "journal_damaged"}


def test_a_directory_that_cannot_be_read_is_no_empty_one(stopped: Stopped) -> None:
    shutil.rmtree(stopped.root / layout.FILES)
    assert findings(stopped.root) == {"files": "directory_unreadable"}


async def test_a_crash_is_no_damage(
    settings_at: SettingsAt, postgres: PostgresSettings, root: Path, tmp_path: Path, bearer: dict[str, str]
) -> None:
    """What the journal will put right is left out; its torn end stays for the replay."""
    async with started(settings_at(root), tmp_path / "log") as process:
        await process.ready()
        async with httpx.AsyncClient(base_url=process.url, headers=bearer, trust_env=False) as http:
            for content in (b"a", LARGE):
                headers = {ATTRIBUTES_HEADER: '{"name": "x"}'}
                answer = await http.put(f"/api/v1/files/{new_file_id()}", content=content, headers=headers)
                assert answer.status_code == 201
        serving = check(root)
        assert (serving.returncode, serving.stdout) == (2, "")
        assert "a process serves the element" in serving.stderr
        process.popen.kill()
        await process.ended()
    before = tree(root)
    checked = check(root)
    assert checked.returncode == 0, checked.stdout
    assert "not stopped in order: 2 documents wait for a replay" in checked.stdout
    assert tree(root) == before


@pytest.mark.parametrize("superblock", [None, b"", b"{}", b'{"format": "artstore-element", "version": 2}'])
def test_what_is_no_element_is_not_checked(tmp_path: Path, superblock: bytes | None) -> None:
    if superblock is not None:
        (tmp_path / layout.SUPERBLOCK).write_bytes(superblock)
    checked = check(tmp_path)
    assert (checked.returncode, checked.stdout) == (2, "")
    assert checked.stderr.startswith(f"artstore-element: {tmp_path} was not checked: ")
    assert len(checked.stderr.splitlines()) == 1
