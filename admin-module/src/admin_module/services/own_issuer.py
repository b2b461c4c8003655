"""This service as the issuer of the tokens that it is shown: it reads its own database, and tells the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from admin_module.adapters.wake_up import WakeUp
from admin_module.services.keyring import Keyring
from admin_module.services.known_revocations import KnownRevocations
from artstore_kit.contracts.revocations import Revocation, RevocationKind, RevocationList


@dataclass(frozen=True)
class OwnIssuer:
    """Implements `Issuer`. Each node hears here what another one has revoked, and each wakes the other services."""

    keyring: Keyring
    known: KnownRevocations
    wake_up: WakeUp
    pull_every_s: float = 1.0

    async def keys(self) -> Mapping[str, object]:
        """The JWKS document."""
        return await self.keyring.published()

    async def revocations(self, after: datetime | None) -> RevocationList:
        """From the database."""
        return await self.known.read(after)

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        """A revoked key signs nothing from here on; the other services are woken."""
        if any(each.kind is RevocationKind.KEY for each in fresh):
            await self.keyring.read_again()
        await self.wake_up.say()
