"""The ways in which the launcher gives up: each is one clear message for the person at the terminal."""

from pathlib import Path

LOG_LINES_SHOWN = 20


class FleetError(Exception):
    """The launcher cannot go on; the message says why and what to do."""


class ProcessDiedError(FleetError):
    """A process ended, or was not ready in time, while it was being started."""

    def __init__(self, name: str, what: str, log: Path, begin: int = 0) -> None:
        self.name = name
        super().__init__(f"{name} {what}. The end of {log}:\n{log_tail(log, begin)}")


def log_tail(log: Path, begin: int = 0) -> str:
    """The last lines after position `begin`, indented for a terminal; never the whole of a long file."""
    if not log.exists():
        return "    (no log was written)"
    with log.open("rb") as file:
        file.seek(max(begin, log.stat().st_size - 64 * 1024))
        text = file.read().decode(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-LOG_LINES_SHOWN:]) or "    (it wrote nothing)"
