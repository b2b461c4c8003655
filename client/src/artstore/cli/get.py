"""`artstore get`: a document to the disk."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from artstore.cli.credentials import connected
from artstore.cli.exits import run
from artstore.cli.output import complain, say
from artstore.cli.progress import bar


def get(
    file_id: Annotated[str, typer.Argument(help="The id of the file.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A path, or a folder; by default its own name, here.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace a file that is there.")] = False,
) -> None:
    """Download a file, and check it. If it is cut off, the same command goes on where it was."""
    say(str(run(_get(file_id, output, force=force))))


async def _get(file_id: str, output: Path | None, *, force: bool) -> Path:
    async with connected() as store:
        file = await store.info(file_id)
        path = _target(output, file.content.name)
        if not force and await asyncio.to_thread(path.exists):
            raise FileExistsError(17, "is there already", str(path))
        with bar(path.name, file.content.size) as shown:
            arrived = 0

            def on_progress(at: int, _: int | None) -> None:
                nonlocal arrived
                shown.advance(at - arrived)
                arrived = at

            try:
                return await store.get(file.file_id, path, on_progress=on_progress)
            except asyncio.CancelledError:
                complain(f"Interrupted; the same command goes on from {path}.part.")
                raise


def _target(output: Path | None, name: str) -> Path:
    if output is None:
        return Path(name)
    return output / name if output.is_dir() else output
