"""`artstore hold` and `artstore release`: legal holds on documents."""

from typing import Annotated

import typer

from artstore.cli.credentials import connected
from artstore.cli.exits import run
from artstore.cli.output import say

FileId = Annotated[str, typer.Argument(help="The id of the file.")]
Name = Annotated[str, typer.Argument(help="The name of the hold, such as that of the case.")]


def hold(
    file_id: FileId, name: Name, *, reason: Annotated[str, typer.Option(help="Why; it stands beside the file.")] = ""
) -> None:
    """Put a document under a legal hold: nothing deletes or alters it."""
    run(_hold(file_id, name, reason))
    say(f"{file_id} held: {name}")


def release(
    file_id: FileId,
    name: Name,
    *,
    approval: Annotated[str | None, typer.Option(help="The id of another administrator's approval.")] = None,
) -> None:
    """Release a legal hold, which two people have to want: ask with `artstore approval ask`."""
    run(_release(file_id, name, approval))
    say(f"{file_id} released: {name}")


async def _hold(file_id: str, name: str, reason: str) -> None:
    async with connected() as store:
        await store.hold(file_id, name, reason=reason)


async def _release(file_id: str, name: str, approval: str | None) -> None:
    async with connected() as store:
        await store.release(file_id, name, approval=approval)
