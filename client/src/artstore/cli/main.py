"""The `artstore` command line: its commands, and the one place where it ends."""

from importlib.metadata import version
from typing import Annotated

import typer

from artstore.cli import approval
from artstore.cli.find import info, ls, search
from artstore.cli.get import get
from artstore.cli.holds import hold, release
from artstore.cli.login import login, logout
from artstore.cli.output import say
from artstore.cli.put import put
from artstore.cli.remove import rm

EXIT_CODES = (
    "Exit codes: 0 done; 1 something failed or was refused; 2 wrong usage; 3 not logged in; "
    "4 the fleet cannot be reached or cannot serve now; 130 interrupted."
)


def create_app() -> typer.Typer:
    """The command with all its subcommands."""
    app = typer.Typer(
        help="Store, find and fetch documents in ArtStore.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for command in (login, logout, put, get, search, ls, info, rm, hold, release):
        app.command()(command)
    app.add_typer(approval.create_app(), name="approval")
    return app


def main() -> None:
    """Run the command line and exit; Ctrl-C ends it with 130."""
    create_app()()


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"artstore {version('artstore-client')}")
        raise typer.Exit


def _options(
    show: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass
