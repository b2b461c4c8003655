"""The command with a configuration folder of its own, inside this process and as a process."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from artstore.cli.main import create_app
from client.tests.cli.terminal import ARTSTORE
from client.tests.stand_in import CLIENT_ID, CLIENT_SECRET, Fleet

type Artstore = Callable[..., Result]


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the login is kept; the working directory is an empty folder beside it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "config"


@pytest.fixture
def artstore() -> Artstore:
    """Run the command inside this process, without a terminal."""

    def run(*arguments: object, typed: str = "") -> Result:
        return CliRunner().invoke(create_app(), [str(argument) for argument in arguments], input=typed)

    return run


@pytest.fixture
def logged_in(artstore: Artstore, fleet: Fleet, tmp_path: Path) -> Artstore:
    """The command, logged in as a service account."""
    secret = tmp_path / "secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    assert artstore("login", fleet.url, "--client-id", CLIENT_ID, "--secret-file", secret).exit_code == 0
    return artstore


@pytest.fixture
def started(logged_in: Artstore) -> Callable[..., subprocess.Popen[str]]:
    """Start the installed command as a process, logged in, without a terminal."""

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [ARTSTORE, *map(str, arguments)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )

    return start
