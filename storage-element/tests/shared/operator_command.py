"""`artstore-element` as operators call it, and what it leaves untouched."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = str(Path(sys.executable).with_name("artstore-element"))


def artstore_element(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    """Run it to its end."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, check=False, timeout=60)


def report(ran: "subprocess.CompletedProcess[bytes]") -> Any:
    """Its one JSON document."""
    return json.loads(ran.stdout)


def told(ran: "subprocess.CompletedProcess[bytes]", code: int) -> str:
    """The one line that it said, when it ended with this exit code and gave no data."""
    assert (ran.returncode, ran.stdout) == (code, b"")
    [line] = ran.stderr.decode().splitlines()
    assert line.startswith("artstore-element: ")
    return line


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time and its bytes."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}
