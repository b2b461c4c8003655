"""The ways in which the launcher gives up: each is one clear message for the person at the terminal."""

import json
from pathlib import Path

LOG_LINES_SHOWN = 20
MACHINE_FIELDS = {"timestamp", "level", "service", "request_id"}


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
    lines = [line for logged in text.splitlines() for line in _readable(logged).splitlines()]
    return "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:]) or "    (it wrote nothing)"


def _readable(logged: str) -> str:
    """A service logs JSON for machines; a person at a terminal wants the event, a traceback line by line."""
    try:
        fields = json.loads(logged)
    except ValueError:
        return logged
    if not isinstance(fields, dict) or "event" not in fields:
        return logged
    event = fields.pop("event")
    said = ", ".join(f"{name}: {value}" for name, value in fields.items() if name not in MACHINE_FIELDS)
    return f"{event} ({said})" if said else str(event)
