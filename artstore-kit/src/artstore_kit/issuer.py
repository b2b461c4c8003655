"""Who issues access tokens: its keys, and what it has taken back."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import httpx

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.errors import TokensUnverifiable
from artstore_kit.contracts.revocations import Revocation, RevocationList
from artstore_kit.service_token import ServiceToken
from artstore_kit.settings import MemberSettings


class Issuer(Protocol):
    """Where keys and revocations are asked for."""

    @property
    def pull_every_s(self) -> float:
        """How often both are asked for."""
        ...

    async def keys(self) -> Mapping[str, object]:
        """The JWKS document (RFC 7517); an error of status 503 when it cannot be had."""
        ...

    async def revocations(self, after: datetime | None) -> RevocationList:
        """What was revoked after this moment, or all that has not ended; likewise."""
        ...

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        """These were not known here before."""
        ...


@dataclass(frozen=True)
class RemoteIssuer:
    """The admin module, asked over HTTP."""

    keys_url: str
    admin: AdminClient
    pull_every_s: float
    """At most 20: a pull that fails may be late by as much again, and all is known everywhere within 60 s."""

    async def keys(self) -> Mapping[str, object]:
        """The JWKS document; `TokensUnverifiable` when it cannot be had."""
        try:
            async with httpx.AsyncClient(timeout=3, verify=self.keys_url.startswith("https:")) as client:
                answer = await client.get(self.keys_url)
                answer.raise_for_status()
                document: Mapping[str, object] = answer.json()
                return document
        except (httpx.HTTPError, ValueError) as error:
            raise TokensUnverifiable(f"The signing keys cannot be fetched: {type(error).__name__}.") from None

    async def revocations(self, after: datetime | None) -> RevocationList:
        """Asked for under the service's own account."""
        return await self.admin.revocations(after)

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        """Whoever revoked it has told the others."""


@asynccontextmanager
async def remote_issuer(settings: MemberSettings) -> AsyncIterator[RemoteIssuer]:
    """The admin module as a service's settings name it."""
    token = ServiceToken.of(settings.admin, settings.account)
    admin = AdminClient.of(settings.admin, token)
    try:
        yield RemoteIssuer(settings.tokens.keys_url, admin, settings.tokens.pull_interval_s)
    finally:
        await admin.close()
        await token.close()
