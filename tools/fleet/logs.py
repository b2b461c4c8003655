"""`./fleet logs`: the services' logs, one or all, and what is being added to them."""

import time
from collections.abc import Mapping
from pathlib import Path

from tools.fleet.errors import FleetError
from tools.fleet.layout import Layout

LINES = 200
LINES_OF_EACH = 10
POLL_S = 0.3


def logs(layout: Layout, name: str | None, *, follow: bool) -> int:
    chosen = {path.stem: path for path in layout.logs() if name in {None, path.stem}}
    if not chosen:
        raise FleetError(_nothing(layout, name))
    positions = {stem: _show_end(stem, path, single=name is not None) for stem, path in chosen.items()}
    if follow:
        _follow(chosen, positions, single=name is not None)
    return 0


def _nothing(layout: Layout, name: str | None) -> str:
    there = ", ".join(path.stem for path in layout.logs()) or "none yet"
    return f"there is no log{f' of {name}' if name else ''} in {layout.data / 'logs'} (there are: {there})"


def _show_end(name: str, path: Path, *, single: bool) -> int:
    """Prints the last lines and gives the position after them."""
    content = path.read_bytes()
    lines = content.decode(errors="replace").splitlines()
    _print(name, lines[-LINES if single else -LINES_OF_EACH :], single=single)
    return len(content)


def _follow(chosen: Mapping[str, Path], positions: dict[str, int], *, single: bool) -> None:
    while True:
        for name, path in chosen.items():
            if path.stat().st_size < positions[name]:
                positions[name] = 0  # it was rotated
            with path.open("rb") as file:
                file.seek(positions[name])
                whole, newline, _ = file.read().rpartition(b"\n")
            positions[name] += len(whole) + len(newline)
            if newline:
                _print(name, whole.decode(errors="replace").splitlines(), single=single)
        time.sleep(POLL_S)


def _print(name: str, lines: list[str], *, single: bool) -> None:
    for line in lines:
        print(line if single else f"{name:<12} {line}", flush=True)
