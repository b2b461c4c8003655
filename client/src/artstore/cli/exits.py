"""What goes wrong, said with what to do about it, and the exit code that scripts can rely on."""

import asyncio
import os
import shlex
import sys
from collections.abc import Coroutine
from enum import IntEnum

import typer

from artstore.cli.output import complain
from artstore.problems import REQUEST_ID_HEADER
from artstore.proofs import UnusableKey
from artstore_kit.contracts import errors
from artstore_kit.contracts.errors import ArtStoreError


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    """Something was refused or failed; for several files: at least one of them."""
    USAGE = 2
    NOT_LOGGED_IN = 3
    """There is no login, it has expired, or the credentials are not accepted."""
    UNREACHABLE = 4
    """The fleet, or a part that is needed, does not answer or cannot serve now (503, 504)."""
    INTERRUPTED = 130


class NotLoggedIn(Exception):
    """No stored login can be used."""


_NEEDS_LOGIN = (
    errors.NotAuthenticated,
    errors.BadCredentials,
    errors.AccountLocked,
    errors.TotpCodeWrong,
    errors.PasswordChangeRequired,
)
_AWAY = {503, 504}
_LOG_IN = "Log in with: artstore login URL"
_ADVICE: dict[type[Exception], str] = {
    NotLoggedIn: _LOG_IN,
    errors.NotAuthenticated: _LOG_IN,
    errors.BadCredentials: "Check them and log in again: artstore login URL",
    errors.ScopeMissing: "Ask an administrator for this right.",
    errors.GrantMissing: "Ask an administrator for a grant on this collection.",
    errors.DependencyUnavailable: "Is the fleet up? On its machine: ./fleet status",
    errors.FileUnknown: "Find it by its words: artstore search WORDS",
    errors.AttributesTooLarge: "Shorten the description, the tags or the metadata.",
    errors.FileHeld: "Release its holds first: artstore release FILE_ID NAME",
    errors.FileRetained: "Only the end of its retention allows it, or two people: artstore approval ask --help",
    errors.ApprovalInvalid: "See what it is for and what became of it: artstore approval show ID",
    errors.ApprovalUnknown: "See which there are: artstore approval ls",
    errors.OwnRequest: "Another administrator has to decide.",
    errors.PersonRequired: "Log in as a person: artstore login URL --username NAME",
    errors.PasswordChangeRequired: "Log in at a terminal to choose a new one: artstore login URL --username NAME",
    UnusableKey: "Give another file: artstore login URL --client-id ID --key-file FILE",
    errors.NoElementAvailable: "Try again later, or ask an administrator for an element or more room.",
    errors.StorageFull: "Ask an administrator for more room.",
    errors.DigestMismatch: "Try again; if it stays so, test the memory and the network of this machine.",
    FileExistsError: "Choose another place with --output, or replace it with --force.",
    PermissionError: "Check the rights of the file and its folder.",
    IsADirectoryError: "Give the path of a file.",
}


def run[T](work: Coroutine[None, None, T]) -> T:
    """Carry out a command; what fails ends it with one message and its exit code."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of a pipe has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.DONE) from None
    except (ArtStoreError, NotLoggedIn, UnusableKey, OSError) as error:
        complain(f"{message(error)}\n{advice(error)}".rstrip())
        raise typer.Exit(code_of(error)) from None


def message(error: Exception) -> str:
    """What happened, in one line."""
    if isinstance(error, ArtStoreError):
        request_id = error.headers.get(REQUEST_ID_HEADER)
        return f"{error.detail} [{error.code}{f', request {request_id}' if request_id else ''}]"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def advice(error: Exception) -> str:
    """What can be done about it; empty when the message says it."""
    if isinstance(error, errors.ApprovalRequired):
        return _how_to_ask(error)
    for kind in type(error).__mro__:
        if kind in _ADVICE:
            return _ADVICE[kind]
    return "Try again; if it stays so, look on the fleet's machine: ./fleet status" if _is_away(error) else ""


def _how_to_ask(error: errors.ApprovalRequired) -> str:
    wanted = shlex.join(str(error.extra.get(name, "")) for name in ("operation", "resource"))
    return f"Ask another administrator for one: artstore approval ask {wanted} --reason WHY"


def code_of(error: Exception) -> Exit:
    """The exit code for this error."""
    if isinstance(error, (NotLoggedIn, UnusableKey, *_NEEDS_LOGIN)):
        return Exit.NOT_LOGGED_IN
    return Exit.UNREACHABLE if _is_away(error) else Exit.FAILED


def _is_away(error: Exception) -> bool:
    return isinstance(error, ArtStoreError) and error.status in _AWAY


def hopeless(error: Exception) -> bool:
    """Whether the next file would meet the same."""
    return code_of(error) is Exit.NOT_LOGGED_IN
