"""tools/read_element.py: documents out of a bare directory, by Python's standard library alone."""

import gzip
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stopped_element import LARGE, Stopped

from artstore_kit.contracts.files import FileAttributes

PROGRAM = Path(__file__).parents[2] / "tools/read_element.py"


def read(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    """Without anything that is installed, and without this repository."""
    command = [sys.executable, "-I", "-S", str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60)


def test_it_stays_short() -> None:
    assert len(PROGRAM.read_text().splitlines()) <= 200


def test_documents_are_listed(stopped: Stopped) -> None:
    listed = read("ls", stopped.element.root)
    assert listed.returncode == 0
    lines = sorted(listed.stdout.decode().splitlines())
    assert [line.split()[0] for line in lines] == sorted(str(each.file_id) for each in (stopped.small, stopped.large))
    assert any("            7  " in line and line.endswith("  default  Договор.txt") for line in lines)


def test_all_that_is_known_is_listed_as_json(stopped: Stopped) -> None:
    listed = read("ls", "--json", stopped.element.root)
    found = [FileAttributes.model_validate_json(line) for line in listed.stdout.splitlines()]
    assert sorted(found, key=lambda file: file.file_id) == sorted(
        [stopped.small, stopped.large], key=lambda file: file.file_id
    )


def test_one_document_is_written_out(stopped: Stopped) -> None:
    assert read("cat", stopped.element.root, stopped.large.file_id).stdout == LARGE


def test_all_documents_are_extracted_with_their_attributes(stopped: Stopped, tmp_path: Path) -> None:
    for _ in range(2):
        assert read("extract", stopped.element.root, tmp_path / "out").returncode == 0
        found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
        assert found == {
            f"{stopped.small.file_id}/Договор.txt",
            f"{stopped.small.file_id}/attr.json",
            f"{stopped.large.file_id}/large.bin",
            f"{stopped.large.file_id}/attr.json",
        }
    assert (tmp_path / f"out/{stopped.large.file_id}/large.bin").read_bytes() == LARGE
    attributes = (tmp_path / f"out/{stopped.large.file_id}/attr.json").read_bytes()
    assert FileAttributes.model_validate_json(attributes).description == "changed"


def test_only_those_asked_for_are_extracted(stopped: Stopped, tmp_path: Path) -> None:
    assert read("extract", stopped.element.root, tmp_path / "out", stopped.small.file_id).returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [str(stopped.small.file_id)]


def test_compressed_content_is_given_as_it_was(stopped: Stopped) -> None:
    stopped.element.content_path(stopped.small).write_bytes(gzip.compress(b"content"))
    stopped.rewrite(stopped.small, {"encoding": "gzip"})
    assert read("cat", stopped.element.root, stopped.small.file_id).stdout == b"content"


DAMAGES: list[tuple[Callable[[Stopped, FileAttributes], object], str]] = [
    (lambda at, file: at.element.content_path(file).write_bytes(b"c0ntent"), "has the sha-256"),
    (lambda at, file: at.element.content_path(file).write_bytes(b""), "has the sha-256"),
    (lambda at, file: at.element.content_path(file).unlink(), "No such file"),
    (lambda at, file: at.element.attributes_path(file).write_bytes(b'{"half'), "JSONDecodeError"),
    (lambda at, file: at.element.attributes_path(file).write_bytes(b"[]"), "TypeError"),
    (lambda at, file: at.element.attributes_path(file).write_bytes(b'{"schema": 1}'), "KeyError"),
    (lambda at, file: at.element.attributes_path(file).write_bytes(os.urandom(200)), "UnicodeDecodeError"),
    (lambda at, file: at.rewrite(file, {"encoding": "br"}), "cannot undo"),
    (lambda at, file: at.rewrite(file, {"encoding": "gzip"}), "BadGzipFile"),
    (lambda at, file: at.rewrite(file, {"sha256": hashlib.sha256(b"other").hexdigest()}), "has the sha-256"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_damage_is_named_and_keeps_nothing_else_from_being_read(
    stopped: Stopped, tmp_path: Path, damage: Callable[[Stopped, FileAttributes], object], told: str
) -> None:
    damage(stopped, stopped.small)
    extracted = read("extract", stopped.element.root, tmp_path / "out")
    assert extracted.returncode == 1
    [line] = extracted.stderr.decode().splitlines()
    assert line.startswith(f"read_element: {stopped.small.file_id}: ")
    assert told in line
    assert not (tmp_path / f"out/{stopped.small.file_id}/Договор.txt").exists()
    assert (tmp_path / f"out/{stopped.large.file_id}/large.bin").read_bytes() == LARGE


def test_a_damaged_journal_is_named_and_the_files_are_read(stopped: Stopped) -> None:
    [segment] = (stopped.element.root / "journal").iterdir()
    segment.write_bytes(b"?" * 512 + segment.read_bytes()[512:])
    listed = read("ls", stopped.element.root)
    assert (listed.returncode, len(listed.stdout.splitlines())) == (1, 2)
    assert f"journal/{segment.name}: the header cannot be read" in listed.stderr.decode()


def test_half_a_header_is_what_a_crash_left(stopped: Stopped) -> None:
    [segment] = (stopped.element.root / "journal").iterdir()
    segment.write_bytes(segment.read_bytes()[:100].ljust(4096, b"\0"))
    listed = read("ls", stopped.element.root)
    assert (listed.returncode, len(listed.stdout.splitlines()), listed.stderr) == (0, 2, b"")


@pytest.mark.parametrize("name", ["../../escaped", "/etc/passwd", "..", "a\x1b[2Jb", "attr.json", "", "x" * 1000])
def test_a_hostile_name_stays_in_its_directory(stopped: Stopped, tmp_path: Path, name: str) -> None:
    stopped.rewrite(stopped.small, {"name": name})
    assert b"\x1b" not in read("ls", stopped.element.root).stdout
    assert read("extract", stopped.element.root, tmp_path / "in/out", stopped.small.file_id).returncode == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parent for path in written} == {tmp_path / "in/out" / str(stopped.small.file_id)}
    assert sorted(path.read_bytes() == b"content" for path in written) == [False, True]


@pytest.mark.parametrize("file_id", ["01a206ec-4559-77e3-b80d-675c0cfe63b4", "nonsense", "../../../etc/passwd"])
def test_an_unknown_id_is_told(stopped: Stopped, file_id: str) -> None:
    asked = read("cat", stopped.element.root, file_id)
    assert (asked.returncode, asked.stdout) == (1, b"")
    assert asked.stderr.decode().startswith(f"read_element: {file_id}: ")


def test_what_is_no_element_is_told(tmp_path: Path, stopped: Stopped) -> None:
    asked = read("ls", tmp_path)
    assert asked.returncode == 1
    assert "cannot be read as an element" in asked.stderr.decode()
    (stopped.element.root / "element.json").write_text('{"format": "artstore-element", "version": 2}')
    assert "version 1" in read("ls", stopped.element.root).stderr.decode()


@pytest.mark.parametrize("arguments", [["ls", "a", "b"], ["cat", "a"], ["extract", "a"], ["rm", "a"], []])
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    asked = read(*arguments)
    assert asked.returncode == 2
    assert b"usage:" in asked.stderr
