"""`./fleet check`, `bench`, `durability` and `openapi`: what is done to the code, not with the fleet."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.fleet.layout import ROOT
from tools.install import members

TYPED = ("tools", "tests", "bench", "conftest.py")


def check() -> int:
    """All checks run, even after one has failed; the summary says which."""
    failed = [name for name, command in _checks().items() if not _passes(name, command)]
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall checks pass")
    return 1 if failed else 0


def bench(arguments: Sequence[str]) -> int:
    return _run(_module("bench", *arguments))


def durability(arguments: Sequence[str]) -> int:
    """The storage element against every fault that we can make; see docs/durability.md."""
    path = os.pathsep.join(str(ROOT / each) for each in (".", "storage-element/tests/shared"))
    return _run(_module("tests.durability", *arguments), {"PYTHONPATH": path})


def openapi() -> int:
    """Writes each service's openapi.json from its code."""
    for package in ("admin_module", "storage_element", "ingester_module", "query_module"):
        path = ROOT / package.replace("_", "-") / "openapi.json"
        made = subprocess.run(_module(package, "openapi"), cwd=ROOT, stdout=subprocess.PIPE, check=False)
        if made.returncode:
            return made.returncode
        path.write_bytes(made.stdout)
        print(f"wrote {path}")
    return 0


def _checks() -> Mapping[str, Sequence[str]]:
    tests = [f"{member}/tests" for member in members()]
    return {
        "ruff check": _module("ruff", "check", "."),
        "ruff format": _module("ruff", "format", "--check", "."),
        "mypy --strict": _module("mypy", "--strict", *(f"{member}/src" for member in members()), *TYPED),
        # Each member's alone: their modules may have the same names.
        **{f"mypy --strict {path}": _module("mypy", "--strict", path) for path in tests},
        "import-linter": [str(Path(sys.executable).with_name("lint-imports"))],
        "house rules": _module("pytest", "tests/house"),
    }


def _passes(name: str, command: Sequence[str]) -> bool:
    print(f"== {name}", flush=True)
    began = time.monotonic()
    passed = _run(command) == 0
    print(f"== {name}: {'passed' if passed else 'FAILED'} ({time.monotonic() - began:.1f} s)", flush=True)
    return passed


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _run(command: Sequence[str], more: Mapping[str, str] | None = None) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
