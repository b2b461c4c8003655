"""Simpler designs and other servers that do the same, or less: each a process of its own."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from tools.fleet.layout import ROOT
from tools.fleet.ports import answers
from tools.fleet.process import Process
from tools.fleet.services import ALLOCATOR

SETTINGS_VARIABLE = "BENCH_PEER"
READY_WITHIN_S = 30
KEEP_ALIVE_S = 75


@dataclass(frozen=True)
class Peer:
    """A process, and the port where it is to answer."""

    process: Process
    port: int

    def start(self) -> None:
        """Return when connections are accepted."""
        self.process.start()
        self.process.wait_until(lambda: answers(self.port), READY_WITHIN_S)


def application(module: str, settings: BaseModel, port: int, directory: Path) -> Peer:
    """`create_app()` of a module here, served as ArtStore's services are: the same loop, parser and allocator."""
    command = [sys.executable, "-m", "uvicorn", "--factory", f"{module}:create_app", "--port", str(port)]
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    kept = ["--timeout-keep-alive", str(KEEP_ALIVE_S)]
    given = {SETTINGS_VARIABLE: settings.model_dump_json(), "PYTHONPATH": str(ROOT), **ALLOCATOR}
    name = module.rpartition(".")[2]
    return _peer(name, [*command, *options, *kept], given, port, directory)


def program(name: str, command: Sequence[str], port: int, directory: Path) -> Peer:
    """Another server."""
    return _peer(name, command, {}, port, directory)


def given_settings[S: BaseModel](kind: type[S]) -> S:
    """What `application` was told, in the peer's own process."""
    return kind.model_validate_json(os.environ[SETTINGS_VARIABLE])


def _peer(name: str, command: Sequence[str], environment: Mapping[str, str], port: int, directory: Path) -> Peer:
    usual = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"}
    return Peer(Process(name, command, directory / f"{name}.log", {**usual, **environment}), port)
