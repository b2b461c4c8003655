"""`./fleet up` and its neighbours as a person uses them, on real services."""

import json
import os
import re
import signal
import stat
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from tools.fleet.layout import Layout
from tools.tests.launcher import PARTS, Launcher, eventually

pytestmark = pytest.mark.usefixtures("running")


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
    assert _login(launcher, found[1]) == 403
    line = next(line for line in first_start.splitlines() if "/api/v1/auth/password" in line)
    chosen = "seven otters juggle lanterns"
    pasted = subprocess.run(
        ["sh"], input=line.replace("YOUR NEW PASSWORD", chosen), capture_output=True, text=True, check=False
    )
    assert pasted.stdout == "changed\n", pasted.stderr
    assert (_login(launcher, found[1]), _login(launcher, chosen)) == (401, 200)
    kept = [path for path in launcher.layout.data.rglob("*") if path.is_file() and path.stat().st_size < 2**20]
    assert kept
    assert not [path for path in kept if found[1].encode() in path.read_bytes()]


def _login(launcher: Launcher, password: str) -> int:
    connection = HTTPConnection("127.0.0.1", launcher.port_base)
    body = json.dumps({"username": "admin", "password": password})
    connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_secrets_are_private(launcher: Launcher) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in launcher.layout.secrets.iterdir()}
    assert modes == {0o600}
    for process in launcher.processes():
        told = [*process.cmdline(), *process.environ().values()]
        for secret in launcher.layout.secrets.iterdir():
            assert not [text for text in told if len(secret.read_text()) > 8 and secret.read_text() in text], process


def test_everything_listens_on_this_machine_only(launcher: Launcher) -> None:
    listening = [
        connection.laddr[0]
        for process in launcher.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_status_shows_all_ready(launcher: Launcher) -> None:
    shown = launcher.run("status")
    assert shown.returncode == 0, shown.stdout
    for name in PARTS:
        assert re.search(rf"^{name} +(ok|degraded) +{launcher.pid(name)} ", shown.stdout, re.MULTILINE)


def test_a_second_up_says_that_it_runs(launcher: Launcher) -> None:
    for arguments in ((), ("--detach",)):
        again = launcher.up(*arguments)
        assert again.returncode == 0
        assert f"running already (process {launcher.pid('fleet')})" in again.stdout


def test_another_fleet_on_its_ports_is_refused(launcher: Launcher, tmp_path: Path) -> None:
    refused = Launcher(Layout(tmp_path / "other"), launcher.port_base).up()
    assert refused.returncode == 1
    assert f"port {launcher.port_base}, wanted for admin, is held by process {launcher.pid('admin')}" in refused.stderr
    assert "postgres is ready" not in refused.stdout


def test_logs_are_shown(launcher: Launcher) -> None:
    assert "ready to accept connections" in launcher.run("logs", "postgres").stdout
    assert re.search(r"^query +\S", launcher.run("logs").stdout, re.MULTILINE)
    unknown = launcher.run("logs", "nobody")
    assert unknown.returncode == 1
    assert "there is no log of nobody" in unknown.stderr


def test_migrate_runs_beside_it(launcher: Launcher) -> None:
    migrated = launcher.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert "migrated admin, edit-1, rw-1, query" in migrated.stdout


@pytest.mark.parametrize("name", ["edit-1", "postgres", "redis"])
def test_a_killed_part_is_started_again(launcher: Launcher, name: str) -> None:
    killed = launcher.pid(name)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: launcher.pid(name) != killed)
    eventually(lambda: launcher.run("status").returncode == 0)
    assert f"{name} ended with code -9" in launcher.run("logs", "fleet").stdout
