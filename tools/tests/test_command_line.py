"""Every subcommand explains itself with an example, and refuses what it does not know."""

import argparse
import re
from pathlib import Path

import pytest

from tools.fleet import command_line, suite
from tools.fleet.__main__ import main
from tools.fleet.demo.documents import Document, documents_of
from tools.fleet.errors import FleetError

COMMANDS = [
    "up",
    "down",
    "reset",
    "migrate",
    "status",
    "logs",
    "demo",
    "witness",
    "check",
    "test",
    "bench",
    "durability",
    "openapi",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.parse([command, "--help"])
    assert ended.value.code == 0
    assert f"Example: ./fleet {command}" in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.parse(["--help"])
    shown = capsys.readouterr().out
    assert re.findall(r"^    ([a-z]+)(?: |$)", shown, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["up", "--detatch"], ["status", "extra"], ["up", "--port-base", "x"]]
)
def test_what_it_does_not_know_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.parse(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_arguments_of_test_go_to_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def note(rest: list[str], *, coverage: bool) -> int:
        seen.append((rest, coverage))
        return 5

    monkeypatch.setattr(suite, "test", note)
    assert main(["test", "client/tests", "-k", "put and get", "--coverage", "-x"]) == 5
    assert seen == [(["client/tests", "-k", "put and get", "-x"], True)]


def test_a_failure_is_one_message_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise FleetError("no room")

    monkeypatch.setattr("tools.fleet.__main__.parse", lambda _: argparse.Namespace(run=fail))
    assert main([]) == 1
    assert capsys.readouterr().err == "fleet: no room\n"


def test_named_files_and_folders_are_demonstrated(tmp_path: Path) -> None:
    (tmp_path / "folder" / ".hidden").mkdir(parents=True)
    (tmp_path / "folder" / ".hidden" / "b.txt").write_text("b")
    (tmp_path / "folder" / "a.txt").write_text("aa")
    (tmp_path / "folder" / "loop").symlink_to(tmp_path)
    (tmp_path / "alone.txt").touch()
    found = documents_of([tmp_path / "alone.txt", tmp_path / "folder"])
    assert [(document.path.name, document.size_bytes) for document in found] == [
        ("alone.txt", 0),
        ("a.txt", 2),
        ("b.txt", 1),
    ]


def test_the_repository_itself_is_demonstrated_without_what_was_made_from_it() -> None:
    places = {str(document.path) for document in documents_of([])}
    assert any(place.endswith("/fleet") for place in places)
    assert not [place for place in places if "/.venv/" in place or "/.git/" in place or "__pycache__" in place]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="nowhere is neither a file nor a folder"):
        documents_of([tmp_path / "nowhere"])


def test_a_name_that_only_a_disk_allows_is_made_presentable(tmp_path: Path) -> None:
    assert Document(tmp_path / "a\\b\nc.txt", 0).name == "a_b_c.txt"
    assert len(Document(tmp_path / ("ы" * 255), 0).name) == 240
