"""A process of its own for one operation: forked from this one, which has imported everything and runs no thread."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.durability.calls import Call
from tests.durability.ledger import Event


@dataclass
class Ended:
    """How a child ended: the signal that killed it or 0, its exit code, and what it has told before."""

    signal: int
    code: int
    events: list[Event] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


class Pipe:
    """What a child tells outlives it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._write = os.write

    def event(self, event: Event) -> None:
        """A caller was told something."""
        self._write(self._fd, f"e{event.to_line()}\n".encode())

    def told(self, line: bytes) -> None:
        """The audit log is told of a change."""
        self._write(self._fd, b"t" + line)

    def call(self, call: Call) -> None:
        """A call was made."""
        self._write(self._fd, f"c{call.number}\t{call.name}\t{call.path}\t{call.size}\n".encode())


def in_child(work: Callable[[Pipe], None]) -> Ended:
    """Do `work` in a child, and wait for its end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            work(Pipe(writing))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as told:  # noqa: PTH123 (a descriptor)
        lines = told.read().decode().splitlines()
    _, status = os.waitpid(pid, 0)
    events = [Event.of_line(line[1:]) for line in lines if line[0] == "e"]
    entries = [f"{line[1:]}\n".encode() for line in lines if line[0] == "t"]
    calls = [_call(line[1:]) for line in lines if line[0] == "c"]
    return Ended(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, os.WEXITSTATUS(status), events, entries, calls)


def _call(line: str) -> Call:
    number, name, path, size = line.split("\t")
    return Call(int(number), name, path, int(size))
