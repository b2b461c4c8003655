"""`get`, `search`, `ls`, `info`, `rm`: results for people and for scripts."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from artstore import FileAttributes
from artstore_kit.contracts.ids import new_file_id
from client.tests.cli.conftest import Artstore
from client.tests.cli.terminal import on_a_terminal, wait_until
from client.tests.stand_in import Fleet

EVIL = "letter\u202e[bold]\u200f.txt"


@pytest.fixture
def file(logged_in: Artstore, fleet: Fleet) -> FileAttributes:
    source = Path("../source/letter.bin")
    source.parent.mkdir()
    source.write_bytes(os.urandom(3_000_000))
    logged_in("put", source, "--description", "first\nsecond")
    (file,) = fleet.files.values()
    return file


def rename(fleet: Fleet, file: FileAttributes, name: str) -> None:
    """As only a broken or hostile server would."""
    fleet.files[file.file_id] = file.model_copy(update={"content": file.content.model_copy(update={"name": name})})


def test_get_uses_the_files_own_name_and_keeps_what_is_there(
    logged_in: Artstore, fleet: Fleet, file: FileAttributes
) -> None:
    done = logged_in("get", file.file_id)
    assert (done.exit_code, done.stdout) == (0, "letter.bin\n")
    assert Path("letter.bin").read_bytes() == fleet.contents[file.file_id]
    Path("letter.bin").write_text("mine")
    refused = logged_in("get", file.file_id)
    assert refused.exit_code == 1
    assert "letter.bin: is there already\nChoose another place with --output" in refused.stderr
    assert Path("letter.bin").read_text() == "mine"
    assert logged_in("get", file.file_id, "--force").exit_code == 0
    assert Path("letter.bin").read_bytes() == fleet.contents[file.file_id]


def test_get_takes_a_path_or_a_folder(logged_in: Artstore, file: FileAttributes) -> None:
    Path("folder").mkdir()
    assert logged_in("get", file.file_id, "-o", "folder").stdout == "folder/letter.bin\n"
    assert logged_in("get", file.file_id, "-o", "other").stdout == "other\n"
    assert logged_in("get", file.file_id, "-o", "no/such/folder").exit_code == 1


@pytest.mark.parametrize("name", ["../letter", "/etc/passwd", "..", ".", "a\x00b"])
def test_a_hostile_name_never_leaves_the_folder(
    logged_in: Artstore, fleet: Fleet, file: FileAttributes, name: str
) -> None:
    rename(fleet, file, name)
    assert logged_in("get", file.file_id).exit_code == 1
    assert list(Path().iterdir()) == []


def test_an_interrupted_get_goes_on(
    logged_in: Artstore, started: Callable[..., subprocess.Popen[str]], fleet: Fleet, file: FileAttributes
) -> None:
    fleet.fail("GET", "/content", cut_after_bytes=2_500_000, wait_s=30)
    process = started("get", file.file_id)
    part = Path("letter.bin.part")
    wait_until(lambda: part.exists() and part.stat().st_size > 1_000_000)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (130, "Interrupted; the same command goes on from letter.bin.part.\n")
    assert logged_in("get", file.file_id).exit_code == 0
    assert fleet.requests("GET", "/content")[-1].headers["Range"].startswith("bytes=")
    assert Path("letter.bin").read_bytes() == fleet.contents[file.file_id]
    assert [path.name for path in Path().iterdir()] == ["letter.bin"]


def test_search_and_ls_print_fields_for_programs(logged_in: Artstore, file: FileAttributes) -> None:
    for done in (logged_in("search", "letter"), logged_in("ls", "--collection", "default")):
        fields = done.stdout.rstrip("\n").split("\t")
        moment = file.uploaded_at.isoformat()
        assert fields == [str(file.file_id), "3000000", moment, "default", "letter.bin"]


def test_json_is_what_attr_json_holds(logged_in: Artstore, file: FileAttributes) -> None:
    for command in (("search", "letter", "--json"), ("ls", "--json"), ("info", file.file_id, "--json")):
        document = json.loads(logged_in(*command).stdout)
        assert FileAttributes.model_validate(document) == file


def test_filters_of_search_arrive(logged_in: Artstore, fleet: Fleet) -> None:
    filters = ["--tag", "a", "--tag", "b", "--size-min", 1, "--after", "2026-01-02", "--by", "anna", "--sort", "newest"]
    assert logged_in("search", "x", *filters, "--limit", 7).exit_code == 0
    (seen,) = fleet.requests("GET", "/search")
    asked = {("q", "x"), ("tag", "a"), ("tag", "b"), ("size_min", "1"), ("uploaded_by", "anna"), ("limit", "7")}
    assert asked <= set(seen.query)
    assert dict(seen.query)["uploaded_after"].startswith("2026-01-02T00:00:00")


def test_nothing_found_is_no_failure(logged_in: Artstore) -> None:
    done = logged_in("search", "x")
    assert (done.exit_code, done.stdout) == (0, "")


def test_info_says_everything(logged_in: Artstore, file: FileAttributes) -> None:
    done = logged_in("info", file.file_id)
    for fact in (file.content.sha256, "3000000 bytes", "first\\nsecond", "working (temporary)", "edit-1"):
        assert fact in done.stdout


@pytest.mark.parametrize("command", ["ls", "search", "info"])
def test_names_cannot_speak_to_the_terminal(fleet: Fleet, file: FileAttributes, command: str) -> None:
    fleet.files[file.file_id] = file.model_copy(update={"collection": "default", "tags": [EVIL]})
    rename(fleet, fleet.files[file.file_id], EVIL)
    arguments: dict[str, list[object]] = {"ls": [], "search": ["letter"], "info": [file.file_id]}
    code, shown = on_a_terminal(command, *arguments[command])
    assert code == 0
    assert not {"\u202e", "\u200f", "\x1b"} & set(shown)
    assert "letter\\u202e[bold]\\u200f.txt" in shown


def test_the_end_of_a_pipe_is_no_error(started: Callable[..., subprocess.Popen[str]], file: FileAttributes) -> None:
    process = started("ls")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(10) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_unknown_and_malformed_ids_say_what_to_do(logged_in: Artstore) -> None:
    unknown = logged_in("info", new_file_id())
    assert unknown.exit_code == 1
    assert "[file_unknown, request req-1]\nFind it by its words: artstore search WORDS" in unknown.stderr
    malformed = logged_in("info", "x/../y")
    assert malformed.exit_code == 1
    assert "a file id is a UUIDv7" in malformed.stderr


def test_rm_asks(fleet: Fleet, file: FileAttributes) -> None:
    code, shown = on_a_terminal("rm", file.file_id, dialogue=[("[y/N]", "n")])
    assert code == 1
    assert "letter.bin" in shown
    assert "Delete 1 for good? [y/N]" in shown
    assert file.file_id in fleet.files
    code, _ = on_a_terminal("rm", file.file_id, dialogue=[("[y/N]", "y")])
    assert code == 0
    assert not fleet.files


def test_rm_without_a_terminal_needs_a_yes(logged_in: Artstore, fleet: Fleet, file: FileAttributes) -> None:
    assert logged_in("rm", file.file_id).exit_code == 2
    assert file.file_id in fleet.files
    unknown = new_file_id()
    done = logged_in("rm", unknown, file.file_id, "--yes")
    assert done.exit_code == 1
    assert done.stdout == f"{file.file_id} deleted\n"
    assert f"{unknown}\tNo file has this id." in done.stderr
    assert not fleet.files


def test_help_names_the_exit_codes(artstore: Artstore) -> None:
    done = artstore("--help")
    assert done.exit_code == 0
    assert "130 interrupted" in done.stdout
    assert artstore("--version").stdout.startswith("artstore 0.1")
