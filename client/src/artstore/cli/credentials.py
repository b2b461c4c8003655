"""The login that commands use, kept in a file that its owner alone can read."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from artstore import ArtStore
from artstore.cli.exits import NotLoggedIn


class Login(BaseModel):
    """A service account with its secret or the place of its key, or a person with a token that expires."""

    url: str
    client_id: str = ""
    client_secret: str = ""
    key_file: str = ""
    username: str = ""
    access_token: str = ""
    expires_at: float = 0
    """Seconds since 1970, for a person's token."""


def credentials_path() -> Path:
    """`$XDG_CONFIG_HOME/artstore/credentials.json`."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(config) if config.startswith("/") else Path.home() / ".config") / "artstore" / "credentials.json"


def save(login: Login) -> Path:
    """Replace the stored login in one step; nobody else can read it at any moment."""
    path = credentials_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(login.model_dump_json(indent=2, exclude_defaults=True))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    return path


def forget() -> bool:
    """Remove the stored login; False when there was none."""
    try:
        credentials_path().unlink()
    except FileNotFoundError:
        return False
    return True


def stored_login() -> Login:
    """The stored login; `NotLoggedIn` when there is none that can be used."""
    path = credentials_path()
    try:
        login = Login.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise NotLoggedIn("You are not logged in.") from None
    except ValidationError:
        raise NotLoggedIn(f"{path} does not hold a login.") from None
    if login.username and time.time() >= login.expires_at:
        raise NotLoggedIn(f"The login of {login.username} at {login.url} has expired.")
    return login


@asynccontextmanager
async def connected() -> AsyncIterator[ArtStore]:
    """The fleet, with the stored login."""
    login = stored_login()
    told = login.model_dump(include={"client_id", "client_secret", "key_file", "access_token"})
    async with ArtStore.connect(login.url, **told) as store:
        yield store
