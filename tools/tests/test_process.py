"""A child process is watched, explained when it dies, and gone when it was stopped, whatever it tries."""

import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from tools.fleet import leftovers
from tools.fleet.errors import ProcessDiedError, log_tail
from tools.fleet.process import Process, born_s, stop_together
from tools.fleet.state import Record, RunState

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
WITH_HELPER = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""


def python(code: str, tmp_path: Path, name: str = "child", **options: float) -> Process:
    return Process(name, [sys.executable, "-c", code], tmp_path / f"{name}.log", **options)  # type: ignore[arg-type]


def wait_for_line(process: Process) -> str:
    process.wait_until(lambda: "\n" in process.log.read_text(), within_s=10)
    return process.log.read_text()


def test_one_that_ends_at_start_is_told_with_its_own_last_lines(tmp_path: Path) -> None:
    process = python("print('no such thing'); raise SystemExit(4)", tmp_path)
    process.log.write_text("a line of yesterday\n")
    process.start()
    with pytest.raises(ProcessDiedError, match=r"child ended with code 4 at start(?s:.*)no such thing") as died:
        process.wait_until(lambda: False)
    assert "yesterday" not in str(died.value)


def test_a_log_for_machines_is_shown_to_people(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    events = [
        {"event": "recovered", "epoch": 3, "level": "info", "timestamp": "2026"},
        {"event": "Traceback:\n  line 1\nOSError: no room", "level": "error"},
    ]
    log.write_text("plain\n[1]\n" + "".join(f"{json.dumps(event)}\n" for event in events))
    assert log_tail(log) == "\n".join(
        f"    {line}" for line in ("plain", "[1]", "recovered (epoch: 3)", "Traceback:", "  line 1", "OSError: no room")
    )


def test_one_that_is_never_ready_is_told_after_its_time(tmp_path: Path) -> None:
    process = python("import time; time.sleep(60)", tmp_path)
    process.start()
    with pytest.raises(ProcessDiedError, match="was not ready after 0 s"):
        process.wait_until(lambda: False, within_s=0.1)
    process.stop()


def test_a_deaf_one_is_killed_within_the_bound(tmp_path: Path) -> None:
    process = python(DEAF, tmp_path, stop_within_s=0.3)
    process.start()
    wait_for_line(process)
    began = time.monotonic()
    process.stop()
    assert not process.alive
    assert 0.3 <= time.monotonic() - began < 3


def test_several_deaf_ones_share_one_bound(tmp_path: Path) -> None:
    processes = [python(DEAF, tmp_path, name, stop_within_s=0.5) for name in ("one", "two", "three")]
    for process in processes:
        process.start()
    for process in processes:
        wait_for_line(process)
    began = time.monotonic()
    stop_together(processes)
    assert time.monotonic() - began < 1.4


def test_helpers_go_with_their_parent(tmp_path: Path) -> None:
    process = python(WITH_HELPER, tmp_path)
    process.start()
    helper = psutil.Process(int(wait_for_line(process)))
    process.kill()
    psutil.wait_procs([helper], timeout=3)
    assert not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE


def test_what_a_killed_supervisor_left_is_ended_with_its_helpers(tmp_path: Path) -> None:
    process = python(WITH_HELPER, tmp_path)
    process.start()
    helper = psutil.Process(int(wait_for_line(process)))
    assert process.pid
    state = RunState(tmp_path)
    state.write(Record.of("child", process.pid))
    leader = psutil.Process(process.pid)
    leader.kill()  # it is gone already, the helper is not
    while leader.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)

    leftovers.end(state, state.records())

    psutil.wait_procs([helper], timeout=3)
    assert not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE
    assert state.records() == []
    process.kill()


def test_a_number_that_another_process_has_now_is_left_alone(tmp_path: Path) -> None:
    bystander = python("import time; time.sleep(60)", tmp_path)
    bystander.start()
    assert bystander.pid
    state = RunState(tmp_path)
    former = Record("old", bystander.pid, born_s(bystander.pid) - 0.5)
    state.write(former)

    assert former.process is None
    assert leftovers.end(state, state.records()) == []
    assert bystander.alive
    bystander.stop()


def test_a_long_log_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    process = python("print('new')", tmp_path)
    with process.log.open("wb") as log:
        log.truncate(17 * 2**20)
    process.start()
    process.wait_for_success()
    assert process.log.read_text() == "new\n"
    assert (tmp_path / "child.log.1").exists()
