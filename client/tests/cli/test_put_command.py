"""`artstore put`: folders, failures, scripts, interruption."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from client.tests.cli.conftest import Artstore
from client.tests.cli.terminal import on_a_terminal, wait_until
from client.tests.stand_in import Fleet

type Started = Callable[..., subprocess.Popen[str]]
NO_ROOM = b'{"type":"t","title":"t","status":507,"detail":"No room.","code":"storage_full","request_id":"r7"}'


@pytest.fixture
def folder() -> Path:
    """A folder with five files in three folders, and links that lead out of it and back into it."""
    top = Path("reports")
    for path in ("a.txt", "2025/b.txt", "2025/c c.txt", "2026/старое/d.txt", "empty"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("" if path == "empty" else path)
    (top / "out").symlink_to("/etc/passwd")
    (top / "round").symlink_to(".")
    return top


def test_a_folder_keeps_its_structure(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    done = logged_in("put", folder, "--collection", "hr/2026", "--tag", "a", "--tag", "b", "--description", "годовые")
    assert done.exit_code == 0
    assert {file.metadata["path"] for file in fleet.files.values()} == {
        "reports/a.txt",
        "reports/2025/b.txt",
        "reports/2025/c c.txt",
        "reports/2026/старое/d.txt",
        "reports/empty",
    }
    assert {(file.collection, tuple(file.tags), file.description) for file in fleet.files.values()} == {
        ("hr/2026", ("a", "b"), "годовые")
    }
    assert "5 stored" in done.stderr


def test_ids_are_printed_beside_the_paths(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    done = logged_in("put", folder / "a.txt", folder / "2025" / "b.txt", "--jobs", 1)
    ids = [str(file_id) for file_id in fleet.files]
    assert done.stdout.splitlines() == [f"{ids[0]}\treports/a.txt", f"{ids[1]}\treports/2025/b.txt"]
    assert all("path" not in file.metadata for file in fleet.files.values())


def test_the_folder_one_stands_in_has_its_name(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    os.chdir(folder / "2025")
    assert logged_in("put", ".").exit_code == 0
    assert {file.metadata["path"] for file in fleet.files.values()} == {"2025/b.txt", "2025/c c.txt"}


def test_a_failed_file_does_not_stop_the_others(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    fleet.fail("POST", "/files", status=507, body=NO_ROOM)
    done = logged_in("put", folder, "missing", "--jobs", 1)
    assert done.exit_code == 1
    assert len(fleet.files) == 4
    assert "4 stored" in done.stderr
    assert "2 failed" in done.stderr
    assert "No room. [storage_full, request r7]\tAsk an administrator for more room." in done.stderr
    assert "missing: No such file or directory" in done.stderr


def test_a_script_reads_json_lines(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    fleet.fail("POST", "/files", status=507, body=NO_ROOM)
    done = logged_in("put", folder, "--json", "--jobs", 1)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stdout.isascii()
    assert [line["error"]["code"] for line in lines if "error" in line] == ["storage_full"]
    assert {line["file"]["file_id"] for line in lines if "file" in line} == {str(file_id) for file_id in fleet.files}


def test_a_fleet_that_goes_away_is_given_up(logged_in: Artstore, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artstore.retry.ATTEMPTS", 1)
    for number in range(30):
        Path(f"{number}.txt").touch()
    fleet.fail("POST", "/files", status=503, times=1000)
    done = logged_in("put", ".", "--jobs", 1)
    assert done.exit_code == 4
    assert "10 failed, 20 not tried" in done.stderr


def test_lost_rights_stop_everything(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    fleet.fail("POST", "/files", status=401, times=1000)
    done = logged_in("put", folder, "--jobs", 1)
    assert done.exit_code == 3
    assert "1 failed, 4 not tried" in done.stderr
    assert "artstore login" in done.stderr


def test_an_empty_folder_is_no_success(logged_in: Artstore) -> None:
    Path("nothing").mkdir()
    done = logged_in("put", "nothing")
    assert done.exit_code == 1
    assert "There are no files" in done.stderr


def test_a_name_that_is_not_unicode_fails_alone(logged_in: Artstore, fleet: Fleet) -> None:
    Path(os.fsdecode(b"caf\xe9.txt")).write_text("x")
    Path("good.txt").write_text("x")
    for extra in ([], ["--json"]):
        done = logged_in("put", ".", *extra)
        assert done.exit_code == 1
        assert "1 stored" in done.stderr
        assert "caf\\udce9.txt" in done.stderr


def test_a_permanent_policy_of_another_name(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    logged_in("put", folder / "a.txt", "--retention", "contracts-30y", "--permanent")
    (file,) = fleet.files.values()
    assert (file.retention.policy, file.retention.kind) == ("contracts-30y", "permanent")


def test_a_terminal_shows_a_bar_and_a_pipe_does_not(logged_in: Artstore, fleet: Fleet, folder: Path) -> None:
    fleet.fail("POST", "/files", wait_s=0.5)
    code, shown = on_a_terminal("put", folder)
    assert code == 0
    assert "Uploading" in shown
    assert "\x1b[" in shown
    assert all(str(file_id) in shown for file_id in fleet.files)
    done = logged_in("put", folder)
    assert "\x1b" not in done.output
    assert "Uploading" not in done.output


def test_names_cannot_speak_to_the_terminal(logged_in: Artstore) -> None:
    evil = Path("evil\u202efdp.exe\u2066")
    evil.write_text("x")
    _, shown = on_a_terminal("put", evil)
    assert "\u202e" not in shown
    assert "evil\\u202efdp.exe\\u2066" in shown


def test_interruption_is_clean(started: Started, fleet: Fleet, folder: Path) -> None:
    fleet.fail("POST", "/files", wait_s=30, times=100)
    process = started("put", folder)
    wait_until(lambda: bool(fleet.requests("POST", "/files")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == ""
    assert err == "Interrupted; 0 stored.\n"
