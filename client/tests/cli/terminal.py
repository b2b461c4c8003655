"""The installed command on a terminal of its own."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ARTSTORE = str(Path(sys.executable).with_name("artstore"))
PATIENCE_S = 20


def on_a_terminal(*arguments: object, dialogue: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
    """The exit code, and everything that appeared. `dialogue`: after this is shown, that is typed."""
    controller, terminal = pty.openpty()
    command = [ARTSTORE, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    shown = b""
    try:
        for prompt, answer in dialogue:
            while prompt.encode() not in shown:
                shown += _read(controller)
            os.write(controller, f"{answer}\n".encode())
        shown += b"".join(iter(lambda: _read(controller), b""))
        return process.wait(PATIENCE_S), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fail when it does not within `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _read(controller: int) -> bytes:
    """More of what is shown; nothing when the terminal's last user is gone."""
    if not select.select([controller], [], [], PATIENCE_S)[0]:
        raise TimeoutError("the command shows nothing more")
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""
