"""`./fleet up`: starts everything, says where it is, and watches over it until told to stop."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.fleet.fleet import Fleet
from tools.fleet.interruption import Interruption, StopAsked
from tools.fleet.layout import ROOT, Layout
from tools.fleet.ports import Ports
from tools.fleet.state import AlreadyRunningError, RunState
from tools.fleet.supervisor import Supervisor
from tools.fleet.welcome import welcome

INTERRUPTED = 130


@dataclass(frozen=True)
class Up:
    layout: Layout
    ports: Ports
    in_background: bool

    def run(self) -> int:
        """In the foreground, or as the background process that `detach` made."""
        interruption = Interruption()
        interruption.listen()
        self.layout.prepare()
        try:
            with RunState(self.layout.run).claim():
                return self._supervise(interruption)
        except AlreadyRunningError as error:
            print(error)
            return 0

    def _supervise(self, interruption: Interruption) -> int:
        fleet = Fleet(self.layout, self.ports, say=say, pause=interruption.pause)
        started = False
        try:
            fleet.start()
            started = True
            say(welcome(fleet))
            if self.in_background:
                _let_go_of_terminal(self.layout.log("fleet"))
            else:
                say("Ctrl-C stops the fleet.")
            Supervisor(fleet, say).run(interruption.pause)
        except StopAsked:
            say("stopping")
        finally:
            interruption.hold()
            fleet.stop()
        return 0 if started else INTERRUPTED


def say(text: str) -> None:
    """Whoever listened may be gone; that must not keep the fleet from being stopped in order."""
    with contextlib.suppress(OSError):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def detach(layout: Layout, command: list[str], show: Callable[[str], None] = print) -> int:
    """Starts the supervisor as a process of its own and shows what it says until all is ready, or has failed."""
    layout.prepare()
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            with contextlib.suppress(BrokenPipeError):
                show(line.rstrip("\n"))
    except KeyboardInterrupt:
        child.terminate()
        return child.wait() or 130
    supervisor = RunState(layout.run).supervisor()
    if supervisor and supervisor.pid == child.pid:
        return 0
    return child.wait()


def _let_go_of_terminal(log: Path) -> None:
    """From here on the supervisor speaks to its log; the end of the pipe tells the waiting `up --detach`."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
