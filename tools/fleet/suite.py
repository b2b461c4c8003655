"""`./fleet test`: the whole suite in parts, two at a time, for half of the time goes into waiting for processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from tools.fleet.layout import ROOT
from tools.install import members

PARTS = {
    "the storage element": ("storage-element/tests",),
    "fleets": ("tools/tests", "tests/fleet"),
    "the proof that nothing is lost": ("tests/durability",),
    "everything else": (
        *(f"{member}/tests" for member in members() if member != "storage-element"),
        *("bench/tests", "tests/house"),
    ),
}
"""First the one that takes as long as the others together."""
AT_ONCE = 2
LOOK_EVERY_S = 0.2


def test(arguments: Sequence[str], *, coverage: bool) -> int:
    """pytest on everything (or on ARGS); `coverage` is of branches, in tests and in all services that they start."""
    if not coverage:
        return _run_all(("pytest",), arguments, {})
    with TemporaryDirectory() as directory:
        # A place of its own, so that two runs side by side do not mix their figures.
        measured = {"COVERAGE_FILE": str(Path(directory) / "coverage")}
        code = _run_all(("coverage", "run", "-m", "pytest"), arguments, measured)
        if _start(("coverage", "combine", "--quiet"), measured).wait() == 0:
            _start(("coverage", "report", "--skip-covered", "--sort=cover"), measured).wait()
            shutil.copy(measured["COVERAGE_FILE"], ROOT / ".coverage")
    return code


def _run_all(pytest: Sequence[str], arguments: Sequence[str], more: Mapping[str, str]) -> int:
    if arguments:
        return _start((*pytest, *arguments), more).wait()
    waiting, running, code = deque(PARTS.items()), list[_Part](), 0
    with ExitStack() as outputs:
        try:
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    name, paths = waiting.popleft()
                    print(f"== {name}: running", flush=True)
                    output = outputs.enter_context(TemporaryFile())
                    running.append(_Part(name, output, _start((*pytest, *paths), more, output)))
                for part in [part for part in running if part.process.poll() is not None]:
                    running.remove(part)
                    code = part.show() or code
                time.sleep(LOOK_EVERY_S)
        finally:  # Ctrl-C reaches them too; each is waited for, so that it cleans up
            for part in running:
                part.process.send_signal(signal.SIGINT)
                part.process.wait()
    return code


@dataclass(frozen=True)
class _Part:
    name: str
    output: IO[bytes]
    process: "subprocess.Popen[bytes]"

    def show(self) -> int:
        """What it said, once it has ended; its exit code."""
        print(f"== {self.name}", flush=True)
        self.output.seek(0)
        shutil.copyfileobj(self.output, sys.stdout.buffer)
        sys.stdout.flush()
        return self.process.returncode


def _start(
    command: Sequence[str], more: Mapping[str, str], output: IO[bytes] | None = None
) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    errors = subprocess.STDOUT if output else None
    return subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=output, stderr=errors)
