"""What the services wrote of the requests that they answered, in the fleet's logs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from artstore_kit.testing.patience import eventually
from tools.fleet.fleet import Fleet

type Line = dict[str, Any]


def requests(fleet: Fleet, name: str) -> Iterator[Line]:
    """The access log of one part, oldest first."""
    for line in _lines(fleet.layout.log(name)):
        if line.startswith("{"):
            event = json.loads(line)
            if event.get("event") == "request":
                yield event


def of_request(fleet: Fleet, name: str, request_id: str) -> list[Line]:
    """What one part wrote of one request."""
    return [line for line in requests(fleet, name) if line.get("request_id") == request_id]


async def until_written(fleet: Fleet, name: str, request_id: str) -> Line:
    """The line of a request whose sender did not wait for its answer."""

    async def is_written() -> bool:
        return of_request(fleet, name, request_id) != []

    await eventually(is_written, within_s=10)
    return of_request(fleet, name, request_id)[0]


def everything(fleet: Fleet) -> Iterator[tuple[Path, str]]:
    """Every line of every log, with its file."""
    for log in sorted((fleet.layout.data / "logs").iterdir()):
        for line in _lines(log):
            yield log, line


def _lines(log: Path) -> Iterator[str]:
    with log.open(errors="replace") as lines:
        yield from lines
