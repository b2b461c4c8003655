"""What runs, written under <data>/run so that `status`, `down` and the next `up` know it."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from tools.fleet.errors import FleetError
from tools.fleet.ports import Ports
from tools.fleet.process import born_s

SUPERVISOR = "fleet"


class AlreadyRunningError(FleetError):
    """A fleet runs on this data directory."""


@dataclass(frozen=True)
class Record:
    """A process by number *and* birth: a number that was given to another process is never touched."""

    name: str
    pid: int
    born_s: float
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, name: str, pid: int, stop_signal: int = signal.SIGTERM) -> Self:
        return cls(name, pid, born_s(pid), stop_signal)

    @property
    def process(self) -> psutil.Process | None:
        """None when it is gone, even if its number was given to another."""
        if not self.has_number:
            return None
        try:
            process = psutil.Process(self.pid)
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    @property
    def has_number(self) -> bool:
        """Whether the number is still its own; one that died and was not yet buried keeps it."""
        try:
            return born_s(self.pid) == self.born_s
        except OSError:
            return False

    @property
    def uptime_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.born_s


@dataclass(frozen=True)
class RunState:
    directory: Path

    def write(self, record: Record) -> None:
        self._put(record.name, asdict(record))

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def record(self, name: str) -> Record | None:
        content = self._get(name)
        return Record(**content) if content else None

    def records(self) -> list[Record]:
        """Every process of this fleet that was started and not stopped, the supervisor not among them."""
        names = [path.stem for path in sorted(self.directory.glob("*.json"))]
        records = [self.record(name) for name in names if name not in {SUPERVISOR, "ports"}]
        return [record for record in records if record]

    def supervisor(self) -> Record | None:
        record = self.record(SUPERVISOR)
        return record if record and record.process else None

    def write_ports(self, ports: Ports) -> None:
        self._put("ports", asdict(ports))

    def ports(self) -> Ports | None:
        content = self._get("ports")
        return Ports(**content) if content else None

    @contextmanager
    def claim(self) -> Iterator[None]:
        """One supervisor a data directory; the claim ends with the process, however that ends."""
        with (self.directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunningError(self._who()) from None
            self.write(Record.of(SUPERVISOR, os.getpid()))
            try:
                yield
            finally:
                self.remove(SUPERVISOR)

    def _who(self) -> str:
        supervisor = self.supervisor()
        who = f" (process {supervisor.pid})" if supervisor else ""
        return f"the fleet in {self.directory.parent} is running already{who}; see ./fleet status and ./fleet down"

    def _path(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def _put(self, name: str, content: dict[str, object]) -> None:
        fresh = self.directory / f".{name}.new"
        fresh.write_text(json.dumps(content))
        fresh.replace(self._path(name))

    def _get(self, name: str) -> Any:
        try:
            return json.loads(self._path(name).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
