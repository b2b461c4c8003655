"""`./fleet test`: the whole suite in two halves side by side, for half of the time goes into waiting for processes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from tools.fleet.layout import ROOT
from tools.install import members

ELEMENT = ("storage-element/tests", "tests/durability")
"""About half of the time."""
OTHERS = (
    *(f"{member}/tests" for member in members() if f"{member}/tests" not in ELEMENT),
    *("bench/tests", "tests/house", "tools/tests", "tests/fleet"),
)


def test(arguments: Sequence[str], *, coverage: bool) -> int:
    """pytest on everything (or on ARGS), with branch coverage of the tests and of all services that they start."""
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
    with TemporaryFile() as later, _ended_at_last(_start((*pytest, *OTHERS), more, later)) as others:
        first = _start((*pytest, *ELEMENT), more).wait()
        print("== everything but the storage element, which ran beside", flush=True)
        second = others.wait()
        later.seek(0)
        shutil.copyfileobj(later, sys.stdout.buffer)
        sys.stdout.flush()
    return first or second


@contextmanager
def _ended_at_last(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """However this ends: Ctrl-C reaches both halves, and the second is waited for, so that it cleans up."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()


def _start(
    command: Sequence[str], more: Mapping[str, str], output: IO[bytes] | None = None
) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    errors = subprocess.STDOUT if output else None
    return subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=output, stderr=errors)
