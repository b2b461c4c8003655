"""The script that finds Python and makes the environment: what it says when there is none, and when it is current."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import install

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("dirname", "readlink", "cat", "sh")


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has a shell and no Python."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(programs), "HOME": str(tmp_path / "home")}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The launcher in a directory whose name has a space, without an environment."""
    clone = tmp_path / "my clone"
    clone.mkdir()
    shutil.copy(ROOT / "fleet", clone)
    return clone


def start(clone: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([clone / "fleet", "status"], env=environment, capture_output=True, text=True, check=False)


def fake_python(path: Path, marker: str) -> None:
    """Suits, and tells which script it was asked to run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n[ "$2" = -c ] && exit 0\necho "{marker}: $2"\nexit 7\n')
    path.chmod(0o755)


def test_without_python_it_says_what_to_install(clone: Path, bare_machine: dict[str, str]) -> None:
    ended = start(clone, bare_machine)
    assert ended.returncode == 1
    assert "needs Python 3.12 or newer" in ended.stderr
    assert "apt install python3" in ended.stderr


def test_an_old_python_does_not_count(clone: Path, bare_machine: dict[str, str]) -> None:
    old = Path(bare_machine["PATH"]) / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    assert "needs Python 3.12" in start(clone, bare_machine).stderr


def test_pyenv_is_looked_through(clone: Path, bare_machine: dict[str, str]) -> None:
    fake_python(Path(bare_machine["HOME"]) / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3", "pyenv's")
    ended = start(clone, bare_machine)
    assert ended.stdout == f"pyenv's: {clone}/tools/install.py\n"
    assert ended.returncode == 7


def test_what_is_on_the_path_comes_first(clone: Path, bare_machine: dict[str, str]) -> None:
    fake_python(Path(bare_machine["HOME"]) / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3", "pyenv's")
    fake_python(Path(bare_machine["PATH"]) / "python3.12", "the system's")
    assert start(clone, bare_machine).stdout.startswith("the system's:")


def test_the_fingerprint_follows_the_lock_the_members_and_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyproject.toml", "requirements.lock", *(f"{member}/pyproject.toml" for member in install.members())):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "LOCK", tmp_path / "requirements.lock")
    before = install.fingerprint()
    assert before == install.fingerprint()

    with (tmp_path / "client" / "pyproject.toml").open("a") as file:
        file.write("\n")
    after_member = install.fingerprint()
    (tmp_path / "requirements.lock").write_text("")
    assert len({before, after_member, install.fingerprint()}) == 3


def test_it_needs_nothing_but_the_standard_library() -> None:
    """It runs before anything is installed."""
    ended = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "tools" / "install.py", "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    assert ended.returncode in {0, 1}


def test_the_launcher_runs_from_anywhere_and_keeps_the_working_directory(tmp_path: Path) -> None:
    """A stand-in environment tells what it was called with."""
    clone = tmp_path / "a clone"
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    shutil.copy(ROOT / "fleet", clone)
    python.write_text('#!/bin/sh\n[ "$1" = -I ] && exit 0\necho "$PWD|$PYTHONPATH|$*"\n')
    python.chmod(0o755)
    (tmp_path / "link").symlink_to(clone / "fleet")

    ended = subprocess.run(
        [tmp_path / "link", "demo", "a file"], cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True
    )

    assert ended.stdout == f"{tmp_path}|{clone}|-m tools.fleet demo a file\n"
