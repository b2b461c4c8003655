"""A fleet that the tests here share, started by the command line in a place that makes it hard."""

from collections.abc import Iterator

import pytest

from tools.fleet.layout import Layout
from tools.tests.launcher import Launcher, free_base


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Below a directory of mode 700, with a space in the path, and started once in the background."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    launcher = Launcher(Layout(closed / "my data"), free_base())
    yield launcher
    launcher.run("reset", "--yes")


@pytest.fixture(scope="session")
def first_start(launcher: Launcher) -> str:
    started = launcher.up("--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    return started.stdout


@pytest.fixture
def running(launcher: Launcher, first_start: str) -> None:
    """Whatever the test before has done to it."""
    started = launcher.up("--detach")
    assert started.returncode == 0, started.stdout + started.stderr
