"""Access tokens: fetched with the client's secret or key, kept until shortly before they expire."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
from pydantic import ValidationError

from artstore.problems import error_of, unreachable
from artstore.proofs import Proof
from artstore.retry import persist
from artstore_kit.contracts.errors import ArtStoreError
from artstore_kit.contracts.identity import TokenAnswer

RENEWED_BEFORE_EXPIRY_S = 60.0
# A token refused this soon after it was issued would be refused again: the cause lies elsewhere.
FRESH_S = 10.0


class Tokens(Protocol):
    """Where a connection gets its access tokens."""

    async def token(self) -> str:
        """A token that is good now."""

    def refused(self, token: str) -> bool:
        """A service did not accept `token`; True when `token()` may give a better one."""


@dataclass
class GivenToken:
    """A token that was obtained elsewhere and cannot be renewed, such as a person's after login."""

    access_token: str = field(repr=False)

    async def token(self) -> str:
        """The token itself."""
        return self.access_token

    def refused(self, token: str) -> bool:  # noqa: ARG002 (there is only the one)
        """There is no other."""
        return False


@dataclass
class ClientCredentials:
    """Tokens by the client credentials grant (RFC 6749 section 4.4)."""

    session: aiohttp.ClientSession
    admin_url: str
    proof: Proof
    _held: str = field(default="", repr=False)
    _issued_at: float = 0.0
    _renew_at: float = 0.0
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def token(self) -> str:
        """The held token, or a new one; a hundred requests at once fetch one token."""
        async with self._one_at_a_time:
            if not self._held or time.monotonic() >= self._renew_at:
                await self._renew()
            return self._held

    def refused(self, token: str) -> bool:
        """Forget `token`, unless another request has replaced it already."""
        if token != self._held:
            return True
        if time.monotonic() - self._issued_at < FRESH_S:
            return False
        self._held = ""
        return True

    async def _renew(self) -> None:
        asked_at = time.monotonic()
        answer = await persist(lambda: fetch_token(self.session, self.admin_url, self.proof))
        self._held = answer.access_token
        self._issued_at = asked_at
        self._renew_at = asked_at + max(answer.expires_in - RENEWED_BEFORE_EXPIRY_S, answer.expires_in / 2)


async def fetch_token(session: aiohttp.ClientSession, admin_url: str, proof: Proof) -> TokenAnswer:
    """A token for a service account; `BadCredentials` when the secret or the key is wrong."""
    form = {"grant_type": "client_credentials", **await proof.form(session, admin_url)}
    return await _asked(session, f"{admin_url}/api/v1/auth/token", form=form)


async def log_in(
    session: aiohttp.ClientSession, admin_url: str, username: str, password: str, code: str = ""
) -> TokenAnswer:
    """A token for a person; `BadCredentials`, `TotpRequired` or `PasswordChangeRequired` say what is wrong."""
    person = {"username": username, "password": password, **_second_factor(code)}
    return await _asked(session, f"{admin_url}/api/v1/auth/login", document=person)


async def change_password(
    session: aiohttp.ClientSession, admin_url: str, username: str, passwords: tuple[str, str], code: str = ""
) -> None:
    """Replace a person's password, the first of the two, by the second; all their sessions end."""
    old, new = passwords
    change = {"username": username, "old_password": old, "new_password": new, **_second_factor(code)}
    await _sent(session, f"{admin_url}/api/v1/auth/password", document=change)


def _second_factor(code: str) -> dict[str, str]:
    return {"code": code} if code else {}


async def _asked(session: aiohttp.ClientSession, url: str, **content: Any) -> TokenAnswer:
    body = await _sent(session, url, **content)
    try:
        return TokenAnswer.model_validate_json(body)
    except ValidationError:
        raise ArtStoreError(f"{url} answered something that is not a token.") from None


async def _sent(
    session: aiohttp.ClientSession,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    document: Mapping[str, str] | None = None,
) -> bytes:
    try:
        async with session.post(url, data=form, json=document, allow_redirects=False) as answer:
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise unreachable(url, error) from error
    if answer.status not in {200, 204}:
        raise error_of(answer.status, answer.headers, body)
    return body
