"""`./fleet status`: what runs, since when, and what it says of itself."""

from dataclasses import dataclass

from tools.fleet import health
from tools.fleet.layout import Layout
from tools.fleet.ports import HOST, Ports, answers
from tools.fleet.services import NAMES
from tools.fleet.state import RunState

ALL_READY, NOT_READY, NOT_RUNNING = 0, 1, 3  # 3 as init scripts have it
HEADINGS = ("NAME", "STATE", "PID", "ADDRESS", "UP", "CHECKS")


@dataclass(frozen=True)
class Line:
    name: str
    state: str
    pid: str
    address: str
    uptime: str
    checks: str

    @property
    def ready(self) -> bool:
        return self.state in {"ok", "degraded"}

    def cells(self) -> tuple[str, ...]:
        return (self.name, self.state, self.pid, self.address, self.uptime, self.checks)


def status(layout: Layout) -> int:
    state = RunState(layout.run)
    ports = state.ports() if layout.exists() else None
    supervisor = state.supervisor() if layout.exists() else None
    if ports is None or (supervisor is None and not any(record.process for record in state.records())):
        print(f"no fleet runs in {layout.data}")
        return NOT_RUNNING
    lines = [line for name, port in _addresses(ports).items() if (line := _line(state, name, port))]
    _print_table([HEADINGS, *(line.cells() for line in lines)])
    if supervisor is None:
        print("\nthe supervisor was killed: nothing watches these; ./fleet down ends them, ./fleet up starts afresh")
        return NOT_READY
    return ALL_READY if all(line.ready for line in lines) else NOT_READY


def _addresses(ports: Ports) -> dict[str, int]:
    services = (ports.admin, ports.edit_1, ports.rw_1, ports.ingester, ports.query)
    return {"postgres": ports.postgres, "redis": ports.redis, **dict(zip(NAMES, services, strict=True))}


def _line(state: RunState, name: str, port: int) -> Line | None:
    record = state.record(name)
    if record is None:
        return Line(name, "not started", "-", f"{HOST}:{port}", "-", "") if name in NAMES else None
    if record.process is None:
        return Line(name, "ended", "-", f"{HOST}:{port}", "-", f"see ./fleet logs {name}")
    found = health.ask(port) if name in NAMES else health.Health("ok" if answers(port) else "silent")
    checks = "; ".join(f"{check}: {trouble}" for check, trouble in found.troubles.items())
    return Line(name, found.status, str(record.pid), f"{HOST}:{port}", _duration(record.uptime_s), checks)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
