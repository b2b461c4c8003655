"""What an earlier supervisor left behind because it was killed: found by its records, and ended."""

import contextlib
import os
from collections.abc import Iterable, Iterator

import psutil

from tools.fleet.process import born_s
from tools.fleet.state import Record, RunState

STOP_WITHIN_S = 15


def end(state: RunState, records: Iterable[Record]) -> list[str]:
    """Asks all to stop, waits within one bound for all, kills the rest; gives the names of those that ran."""
    records = list(records)
    running = {record.name: process for record in records if (process := record.process)}
    for record in records:
        with contextlib.suppress(psutil.NoSuchProcess, KeyError):
            running[record.name].send_signal(record.stop_signal)
    psutil.wait_procs(running.values(), timeout=STOP_WITHIN_S)
    for record in records:
        for process in _group(record):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        state.remove(record.name)
    return list(running)


def _group(record: Record) -> Iterator[psutil.Process]:
    """The process and its helpers, who may have outlived it; nobody's else, should the number have a new owner."""
    if psutil.pid_exists(record.pid) and not record.has_number:
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == record.pid and born_s(process.pid) >= record.born_s:
                yield process
