"""Who issues access tokens: its keys, and what it has taken back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from artstore_kit.callee import Callee
from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.errors import ArtStoreError, TokensUnverifiable
from artstore_kit.contracts.revocations import Revocation, RevocationList
from artstore_kit.outbound import Outbound
from artstore_kit.settings import TokenSettings

KEYS_DEADLINE_S = 3.0


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


class RemoteIssuer:
    """The admin module, asked over HTTP; close it at the end."""

    def __init__(self, tokens: TokenSettings, admin: AdminClient) -> None:
        self._keys = Outbound(Callee("issuer", _origin(tokens.keys_url)), deadline_s=KEYS_DEADLINE_S)
        self._keys_path = tokens.keys_url.removeprefix(_origin(tokens.keys_url))
        self._admin = admin
        self.pull_every_s = tokens.pull_interval_s
        """At most 20: a pull that fails may be late by as much again, and all is known everywhere within 60 s."""

    async def close(self) -> None:
        """Close the connection over which the keys are fetched."""
        await self._keys.close()

    async def keys(self) -> Mapping[str, object]:
        """The JWKS document; `TokensUnverifiable` when it cannot be had."""
        try:
            document: Mapping[str, object] = (await self._keys.call("GET", self._keys_path)).json()
        except (ArtStoreError, ValueError) as error:
            raise TokensUnverifiable(f"The signing keys cannot be fetched: {error}") from None
        return document

    async def revocations(self, after: datetime | None) -> RevocationList:
        """Asked for under the service's own account."""
        return await self._admin.revocations(after)

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        """Whoever revoked it has told the others."""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
