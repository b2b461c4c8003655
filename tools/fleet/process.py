"""One child process: started in a session of its own, logged to a file, stopped within a bound."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.fleet.errors import ProcessDiedError

LOG_KEPT_BYTES = 16 * 1024 * 1024
POLL_S = 0.02


@dataclass
class Process:
    """A session of its own keeps the terminal's Ctrl-C away: the launcher alone decides the order of stopping."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 15
    pause: Callable[[float], None] = time.sleep
    _child: subprocess.Popen[bytes] | None = None
    _log_begin: int = 0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, before it was started, and after it was stopped: a number means it ended by itself."""
        return self._child.poll() if self._child else None

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        self.kill()  # what died may have left helpers behind
        self.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(self.log)
        with self.log.open("ab") as log:
            self._log_begin = log.tell()
            self._child = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], within_s: float = 120) -> None:
        """Polls `ready`; a process that ends first, or is too slow, is an error that shows its log."""
        deadline = time.monotonic() + within_s
        while not ready():
            if not self.alive:
                raise self._died(f"ended with code {self.exit_code} at start")
            if time.monotonic() > deadline:
                raise self._died(f"was not ready after {within_s:.0f} s")
            self.pause(POLL_S)

    def wait_for_success(self, within_s: float = 600) -> None:
        """For a command that does its work and ends."""
        deadline = time.monotonic() + within_s
        while self.alive:
            if time.monotonic() > deadline:
                raise self._died(f"did not end within {within_s:.0f} s")
            self.pause(POLL_S)
        if self.exit_code:
            raise self._died(f"failed with code {self.exit_code}")

    def _died(self, what: str) -> ProcessDiedError:
        return ProcessDiedError(self.name, what, self.log, self._log_begin)

    def ask_to_stop(self) -> None:
        """Sends the signal and does not wait."""
        if self._child is not None and self.alive:
            self._child.send_signal(self.stop_signal)

    def stop(self) -> None:
        stop_together([self])

    def kill(self) -> None:
        """Like a power cut for this process and its helpers: no handler runs, nothing is flushed."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None


def stop_together(processes: Sequence[Process]) -> None:
    """Asks all, waits within one bound, then kills: returns when they and what they started are gone."""
    for process in processes:
        process.ask_to_stop()
    deadline = time.monotonic() + max((process.stop_within_s for process in processes), default=0)
    while any(process.alive for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    for process in processes:
        process.kill()


def born_s(pid: int) -> float:
    """When a process began, in seconds since the machine did: unlike a time of day, no clock that is set changes it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_KEPT_BYTES:
        log.replace(log.with_suffix(".log.1"))
