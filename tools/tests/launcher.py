"""The command line on a data directory, for tests that use it as a person does."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

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

    def ports_are_free(self) -> bool:
        return all(map(is_free, vars(Ports.from_base(self.port_base)).values()))

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
