"""What an earlier supervisor left behind because it was killed: found by its records, and ended."""

import contextlib
import os
import signal
from collections.abc import Iterable

import psutil

from tools.fleet.state import Record, RunState

STOP_WITHIN_S = 15


def end(state: RunState, records: Iterable[Record]) -> list[str]:
    """Asks all to stop, waits within one bound for all, kills the rest; gives the names."""
    records = list(records)
    running = [(record, process) for record in records if (process := record.process)]
    for record, process in running:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(record.stop_signal)
    psutil.wait_procs([process for _, process in running], timeout=STOP_WITHIN_S)
    for record in records:
        with contextlib.suppress(ProcessLookupError):
            if record.process:
                os.killpg(record.pid, signal.SIGKILL)
        state.remove(record.name)
    return [record.name for record in records]
