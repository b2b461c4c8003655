"""How a fleet stops: asked, killed, interrupted, refused at start; and what the next start makes of it."""

import os
import re
import signal
import subprocess
import time

import pytest

from tools.tests.launcher import Launcher, environment, living

pytestmark = pytest.mark.usefixtures("first_start")


@pytest.mark.usefixtures("running")
def test_down_ends_everything_and_a_second_start_is_quick(launcher: Launcher) -> None:
    processes = launcher.processes()
    assert launcher.run("down").returncode == 0
    assert not living(processes)
    assert launcher.run("status").returncode == 3

    began = time.monotonic()
    again = launcher.up("--detach")
    assert again.returncode == 0, again.stderr
    assert "password  " not in again.stdout
    assert "migrated" not in again.stdout
    assert launcher.processes()[0].create_time() - time.time() + (time.monotonic() - began) < 3


@pytest.mark.usefixtures("running")
def test_what_a_killed_supervisor_left_is_replaced(launcher: Launcher) -> None:
    left = launcher.processes()
    os.kill(launcher.pid("fleet"), signal.SIGKILL)
    shown = launcher.run("status")
    assert shown.returncode == 1
    assert "supervisor was killed" in shown.stdout

    again = launcher.up("--detach")
    assert again.returncode == 0, again.stderr
    assert "ended what a former start had left behind" in again.stdout
    assert not living(left)


def test_a_service_that_dies_at_start_is_told_and_everything_is_stopped(launcher: Launcher) -> None:
    launcher.run("down")
    root = launcher.layout.element("rw-1")
    root.rename(root.with_name("aside"))
    root.write_text("a file where the element's directory should be")

    failed = launcher.up()

    root.unlink()
    root.with_name("aside").rename(root)
    assert failed.returncode == 1
    assert re.match(r"fleet: rw-1 ended with code \d+ at start\. The end of .*rw-1\.log:\n", failed.stderr), (
        failed.stderr
    )
    assert len(failed.stderr.splitlines()) <= 21
    assert launcher.ports_are_free()


def test_ctrl_c_during_a_start_leaves_nothing_behind(launcher: Launcher) -> None:
    launcher.run("down")
    command = launcher.command("up", "--port-base", str(launcher.port_base))
    with subprocess.Popen(command, cwd="/", env=environment(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        next(line for line in running.stdout if "redis is ready" in line)
        running.send_signal(signal.SIGINT)
        said = running.stdout.read()
    assert running.returncode == 130
    assert said.splitlines()[-1].endswith("stopped postgres, redis")
    assert launcher.ports_are_free()


def test_reset_asks_first(launcher: Launcher) -> None:
    launcher.run("down")
    assert launcher.run("reset", answer="no\n").returncode == 1
    assert launcher.layout.secrets.exists()
    assert launcher.run("reset", answer="yes\n").returncode == 0
    assert not launcher.layout.data.exists()
    assert launcher.run("status").returncode == 3
    assert launcher.run("down").returncode == 0
