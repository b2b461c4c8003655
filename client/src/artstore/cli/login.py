"""`artstore login` and `artstore logout`."""

import sys
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
from yarl import URL

from artstore.cli.credentials import Login, forget, save
from artstore.cli.exits import run
from artstore.cli.output import complain, say
from artstore.connection import discover, http_session
from artstore.tokens import fetch_token, log_in


def login(
    url: Annotated[str, typer.Argument(help="The admin module's address, such as http://127.0.0.1:8000.")],
    *,
    client_id: Annotated[str, typer.Option(help="Log in as this service account.")] = "",
    secret_file: Annotated[Path | None, typer.Option(help="Read its secret here ('-': standard input).")] = None,
    username: Annotated[str, typer.Option(help="Log in as this person; the login lasts as long as its token.")] = "",
) -> None:
    """Log in to a fleet. Secrets are asked for, or read from a file; they are never given on the command line."""
    if client_id and username:
        raise typer.BadParameter("give --client-id or --username, not both")
    if username and secret_file:
        raise typer.BadParameter("--secret-file belongs to --client-id")
    address = _address(url)
    if username:
        password = typer.prompt(f"Password of {username}", hide_input=True, err=True)
        made = run(_as_person(address, username, password))
    else:
        account = client_id or typer.prompt("Client id", err=True)
        made = run(_as_account(address, account, _secret(account, secret_file)))
    path = save(made)
    say(f"Logged in to {made.url} as {made.username or made.client_id}; kept in {path}.")


def logout() -> None:
    """Forget the login."""
    say("Logged out." if forget() else "There was no login.")


def _address(url: str) -> str:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.user or parsed.query_string:
        raise typer.BadParameter("the URL is that of the admin module, such as http://127.0.0.1:8000")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        complain("Warning: over http:// anyone on the way can read the secret and the documents; use https://.")
    return str(parsed.with_fragment(None)).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(client_id: str, secret_file: Path | None) -> str:
    if secret_file is None:
        secret: str = typer.prompt(f"Secret of {client_id}", hide_input=True, err=True)
        return secret
    try:
        return (sys.stdin.read() if str(secret_file) == "-" else secret_file.read_text()).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"the secret cannot be read: {error}") from None


async def _as_account(url: str, client_id: str, secret: str) -> Login:
    async with http_session() as session:
        await discover(session, url)
        await fetch_token(session, url, client_id, secret)
    return Login(url=url, client_id=client_id, client_secret=secret)


async def _as_person(url: str, username: str, password: str) -> Login:
    async with http_session() as session:
        await discover(session, url)
        answer = await log_in(session, url, username, password)
    return Login(
        url=url, username=username, access_token=answer.access_token, expires_at=time.time() + answer.expires_in
    )
