"""An import runs down the floors only, and never in a circle."""

import subprocess
import sys
from pathlib import Path

from tests.house.the_house import ROOT, tracked_files

NAMELESS = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "core", "common", "misc"}


def test_the_contracts_of_import_linter_hold() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout[-4000:]


def test_no_room_has_a_name_that_says_nothing() -> None:
    named = [path for path in tracked_files("*.py") if NAMELESS & {path.stem, *path.relative_to(ROOT).parts}]
    assert named == []
