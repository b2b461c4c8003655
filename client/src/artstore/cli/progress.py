"""How far a transfer is: a bar on a terminal, nothing elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from artstore.cli.output import line_of, safe, say_fields


class Bar:
    """Bytes of all files together."""

    def __init__(self, progress: Progress | None, task: TaskID | None) -> None:
        self._progress = progress
        self._task = task

    def advance(self, size_bytes: int) -> None:
        """More bytes have passed; fewer than none when a file is sent again."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, size_bytes)

    def result(self, *fields: str) -> None:
        """A line of result. While the bar moves on the same terminal, it is written above the bar."""
        if self._progress is not None and sys.stdout.isatty():
            self._progress.console.print(line_of(fields), markup=False, highlight=False, soft_wrap=True)
        else:
            say_fields(fields)


@contextmanager
def bar(label: str, total_bytes: int) -> Iterator[Bar]:
    """A bar until the end of the block."""
    if not sys.stderr.isatty():
        yield Bar(None, None)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        yield Bar(progress, progress.add_task(safe(label), total=total_bytes))
