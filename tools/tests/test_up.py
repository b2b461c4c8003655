"""`./fleet up` and its neighbours as a person uses them: real services, in a place that makes it hard."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tools.fleet.layout import ROOT, Layout
from tools.fleet.ports import Ports, is_free
from tools.fleet.services import NAMES
from tools.fleet.state import RunState

PARTS = ("postgres", "redis", *NAMES)


@dataclass(frozen=True)
class Launcher:
    """The command line on one data directory; the ports of each are its own."""

    layout: Layout
    port_base: int

    def run(self, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd="/",
            env=environment(),
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--port-base", str(self.port_base), *arguments)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tools.fleet", *arguments, "--data", str(self.layout.data)]

    def pid(self, name: str) -> int:
        record = RunState(self.layout.run).record(name)
        assert record
        return record.pid

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self.pid(name)) for name in (*PARTS, "fleet")]


def environment() -> dict[str, str]:
    """The services are not measured here, which makes them start sooner."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def free_base() -> int:
    return next(base for base in range(20000, 60000, 100) if all(map(is_free, vars(Ports.from_base(base)).values())))


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def eventually(happens: object, within_s: float = 30) -> None:
    assert callable(happens)
    deadline = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Below a directory of mode 700, with a space in the path, and started once in the background."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    launcher = Launcher(Layout(closed / "my data"), free_base())
    yield launcher
    launcher.run("reset", "--yes")


@pytest.fixture(scope="module")
def first_start(launcher: Launcher) -> str:
    started = launcher.up("--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    return started.stdout


def test_the_first_start_prints_what_one_needs(launcher: Launcher, first_start: str) -> None:
    for name, port in (("admin", 0), ("edit-1", 10), ("rw-1", 11), ("ingester", 20), ("query", 30)):
        assert re.search(rf"{name} +http://127.0.0.1:{launcher.port_base + port} ", first_start)
    assert str(launcher.layout.data) in first_start
    assert "artstore login" in first_start
    assert "curl" in first_start


def test_the_example_can_be_pasted(first_start: str, tmp_path: Path) -> None:
    _, _, example = first_start.partition("Try it")
    lines = [line for line in example.splitlines() if line.startswith("  ")]
    assert len(lines) == 9
    alone = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    pasted = subprocess.run(["sh"], input="\n".join(lines), env=alone, capture_output=True, text=True, check=False)
    assert pasted.stdout.count("identical\n") == 2, pasted.stdout + pasted.stderr


def test_the_first_administrator_can_log_in_and_his_password_is_not_kept(launcher: Launcher, first_start: str) -> None:
    found = re.search(r"password +(\S+)$", first_start, re.MULTILINE)
    assert found
    connection = HTTPConnection("127.0.0.1", launcher.port_base)
    body = json.dumps({"username": "admin", "password": found[1]})
    connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
    kept = [path for path in launcher.layout.data.rglob("*") if path.is_file() and path.stat().st_size < 2**20]
    assert kept
    assert not [path for path in kept if found[1].encode() in path.read_bytes()]


def test_secrets_are_private(launcher: Launcher, first_start: str) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in launcher.layout.secrets.iterdir()}
    assert modes == {0o600}
    for process in launcher.processes():
        told = [*process.cmdline(), *process.environ().values()]
        for secret in launcher.layout.secrets.iterdir():
            assert not [text for text in told if len(secret.read_text()) > 8 and secret.read_text() in text], process


def test_everything_listens_on_this_machine_only(launcher: Launcher, first_start: str) -> None:
    listening = [
        connection.laddr[0]
        for process in launcher.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_status_shows_all_ready(launcher: Launcher, first_start: str) -> None:
    shown = launcher.run("status")
    assert shown.returncode == 0, shown.stdout
    for name in PARTS:
        assert re.search(rf"^{name} +(ok|degraded) +{launcher.pid(name)} ", shown.stdout, re.MULTILINE)


def test_a_second_up_says_that_it_runs(launcher: Launcher, first_start: str) -> None:
    for arguments in ((), ("--detach",)):
        again = launcher.up(*arguments)
        assert again.returncode == 0
        assert f"running already (process {launcher.pid('fleet')})" in again.stdout


def test_another_fleet_on_its_ports_is_refused(launcher: Launcher, first_start: str, tmp_path: Path) -> None:
    refused = Launcher(Layout(tmp_path / "other"), launcher.port_base).up()
    assert refused.returncode == 1
    assert f"port {launcher.port_base}, wanted for admin, is held by process {launcher.pid('admin')}" in refused.stderr
    assert "postgres is ready" not in refused.stdout


def test_logs_are_shown(launcher: Launcher, first_start: str) -> None:
    assert "ready to accept connections" in launcher.run("logs", "postgres").stdout
    assert re.search(r"^query +\S", launcher.run("logs").stdout, re.MULTILINE)
    unknown = launcher.run("logs", "nobody")
    assert unknown.returncode == 1
    assert "there is no log of nobody" in unknown.stderr


def test_migrate_runs_beside_it(launcher: Launcher, first_start: str) -> None:
    migrated = launcher.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert "migrated admin, edit-1, rw-1, query" in migrated.stdout


@pytest.mark.parametrize("name", ["edit-1", "postgres", "redis"])
def test_a_killed_part_is_started_again(launcher: Launcher, first_start: str, name: str) -> None:
    killed = launcher.pid(name)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: launcher.pid(name) != killed)
    eventually(lambda: launcher.run("status").returncode == 0)
    assert f"{name} ended with code -9" in launcher.run("logs", "fleet").stdout


def test_down_ends_everything_and_a_second_start_is_quick(launcher: Launcher, first_start: str) -> None:
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


def test_what_a_killed_supervisor_left_is_replaced(launcher: Launcher, first_start: str) -> None:
    left = launcher.processes()
    os.kill(launcher.pid("fleet"), signal.SIGKILL)
    shown = launcher.run("status")
    assert shown.returncode == 1
    assert "supervisor was killed" in shown.stdout

    again = launcher.up("--detach")
    assert again.returncode == 0, again.stderr
    assert "ended what a former start had left behind" in again.stdout
    assert not living(left)


def test_a_service_that_dies_at_start_is_told_and_everything_is_stopped(launcher: Launcher, first_start: str) -> None:
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
    assert all(map(is_free, vars(Ports.from_base(launcher.port_base)).values()))


def test_ctrl_c_during_a_start_leaves_nothing_behind(launcher: Launcher, first_start: str) -> None:
    launcher.run("down")
    command = launcher.command("up", "--port-base", str(launcher.port_base))
    with subprocess.Popen(command, cwd="/", env=environment(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        next(line for line in running.stdout if "redis is ready" in line)
        running.send_signal(signal.SIGINT)
        said = running.stdout.read()
    assert running.returncode == 130
    assert said.splitlines()[-1].endswith("stopped postgres, redis")
    assert all(map(is_free, vars(Ports.from_base(launcher.port_base)).values()))


def test_reset_asks_first(launcher: Launcher, first_start: str) -> None:
    launcher.run("down")
    assert launcher.run("reset", answer="no\n").returncode == 1
    assert launcher.layout.secrets.exists()
    assert launcher.run("reset", answer="yes\n").returncode == 0
    assert not launcher.layout.data.exists()
    assert launcher.run("status").returncode == 3
    assert launcher.run("down").returncode == 0
