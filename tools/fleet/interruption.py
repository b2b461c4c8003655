"""Ctrl-C and SIGTERM, heeded where the launcher waits: never between making a process and remembering it."""

import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(BaseException):
    """The user wants everything to stop; no error, so it is not caught as one."""


class Interruption:
    """From `listen` on, signals are noted; `pause` raises once one has come, until `hold` says to finish in peace."""

    def __init__(self) -> None:
        self._asked = False
        self._heeded = True

    def listen(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._note)

    def hold(self) -> None:
        """Stopping has begun and is bounded: further signals change nothing."""
        self._heeded = False

    def release(self) -> None:
        """Signals interrupt wherever they find us, as they do in any program, until `listen` is called again."""
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if self._asked and self._heeded:
            raise StopAsked

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
