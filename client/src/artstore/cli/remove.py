"""`artstore rm`: documents out of the fleet."""

import sys
from typing import Annotated

import typer

from artstore import ArtStore
from artstore.cli.credentials import connected
from artstore.cli.exits import Exit, advice, code_of, message, run
from artstore.cli.output import complain, safe, say, show_table
from artstore_kit.contracts.errors import ArtStoreError


def rm(
    file_ids: Annotated[list[str], typer.Argument(help="The ids of the files.")],
    *,
    approval: Annotated[str | None, typer.Option(help="Of another administrator: before its retention ends.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete documents, after asking. What is held is kept; what is retained, too, unless that was approved."""
    if approval is not None and len(file_ids) > 1:
        raise typer.BadParameter("an approval is for one file")
    if not yes and not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on; add --yes")
    if not yes:
        names = run(_names(file_ids))
        listed = "\n".join(f"  {safe(name)}" for name in names)
        if not typer.confirm(f"{listed}\nDelete {len(names)} for good?", err=True):
            complain("Nothing was deleted.")
            raise typer.Exit(Exit.FAILED)
    failures = run(_remove(file_ids, approval))
    if failures:
        rows = [(file_id, message(error), advice(error)) for file_id, error in failures]
        show_table(("Failed", "Why", "What to do"), rows, on_stderr=True)
        raise typer.Exit(max(code_of(error) for _, error in failures))


async def _names(file_ids: list[str]) -> list[str]:
    async with connected() as store:
        return [(await store.info(file_id)).content.name for file_id in file_ids]


async def _remove(file_ids: list[str], approval: str | None) -> list[tuple[str, Exception]]:
    async with connected() as store:
        outcomes = [(file_id, await _remove_one(store, file_id, approval)) for file_id in file_ids]
    return [(file_id, error) for file_id, error in outcomes if error is not None]


async def _remove_one(store: ArtStore, file_id: str, approval: str | None) -> Exception | None:
    try:
        await store.delete(file_id, approval=approval)
    except ArtStoreError as error:
        return error
    say(f"{file_id} deleted")
    return None
