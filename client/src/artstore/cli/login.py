"""`artstore login` and `artstore logout`."""

import sys
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import typer
from yarl import URL

from artstore.cli.credentials import Login, forget, save
from artstore.cli.exits import run
from artstore.cli.output import complain, say
from artstore.connection import discover, http_session
from artstore.proofs import SigningKey, UnusableKey, proof_of
from artstore.tokens import change_password, fetch_token, log_in
from artstore_kit.contracts.errors import PasswordChangeRequired, TotpRequired

_HIDDEN: dict[str, Any] = {"hide_input": True, "err": True}


def login(
    url: Annotated[str, typer.Argument(help="The admin module's address, such as http://127.0.0.1:8000.")],
    *,
    client_id: Annotated[str, typer.Option(help="Log in as this service account.")] = "",
    secret_file: Annotated[Path | None, typer.Option(help="Read its secret here ('-': standard input).")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="Sign with this private key instead (PEM or JWK); it stays where it is.")
    ] = None,
    username: Annotated[str, typer.Option(help="Log in as this person; the login lasts as long as its token.")] = "",
) -> None:
    """Log in to a fleet. Secrets are asked for, or read from a file; they are never given on the command line."""
    if client_id and username:
        raise typer.BadParameter("give --client-id or --username, not both")
    if username and (secret_file or key_file):
        raise typer.BadParameter("--secret-file and --key-file belong to --client-id")
    if secret_file and key_file:
        raise typer.BadParameter("give --secret-file or --key-file, not both")
    address = _address(url)
    if username:
        password = typer.prompt(f"Password of {username}", **_HIDDEN)
        made = run(_as_person(address, username, password))
    else:
        account = client_id or typer.prompt("Client id", err=True)
        kept = _key(key_file) if key_file else {"client_secret": _secret(account, secret_file)}
        made = run(_as_account(Login(url=address, client_id=account, **kept)))
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
        secret: str = typer.prompt(f"Secret of {client_id}", **_HIDDEN)
        return secret
    try:
        return (sys.stdin.read() if str(secret_file) == "-" else secret_file.read_text()).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"the secret cannot be read: {error}") from None


def _key(key_file: Path) -> dict[str, str]:
    try:
        SigningKey.read("", key_file)
    except (UnusableKey, OSError) as error:
        raise typer.BadParameter(f"the key cannot be read: {error}") from None
    return {"key_file": str(key_file.resolve())}


async def _as_account(login: Login) -> Login:
    """The login, when a token is given for it."""
    async with http_session() as session:
        await discover(session, login.url)
        await fetch_token(session, login.url, proof_of(login.client_id, login.client_secret, login.key_file))
    return login


async def _as_person(url: str, username: str, password: str) -> Login:
    """With a code where one is asked for; a temporary password is changed first."""
    async with http_session() as session:
        await discover(session, url)
        try:
            answer = await _with_code(lambda code: log_in(session, url, username, password, code))
        except PasswordChangeRequired:
            new = str(typer.prompt("It is a temporary one. New password", **_HIDDEN, confirmation_prompt=True))
            await _with_code(lambda code: change_password(session, url, username, (password, new), code))
            answer = await _with_code(lambda code: log_in(session, url, username, new, code))
    return Login(
        url=url, username=username, access_token=answer.access_token, expires_at=time.time() + answer.expires_in
    )


async def _with_code[T](attempt: Callable[[str], Awaitable[T]]) -> T:
    """Each code is good once, so that each attempt asks for its own."""
    try:
        return await attempt("")
    except TotpRequired:
        return await attempt(str(typer.prompt("Code of the authenticator app, or a recovery code", **_HIDDEN)))
