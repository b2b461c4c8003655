"""Access tokens as the admin module would sign them, and their public keys."""

import base64
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.revocations import Revocation, RevocationList
from artstore_kit.settings import TokenSettings

EVERYTHING = Grant(collection="*", actions=frozenset(Action))
KEY_BITS = 2048
"""Shorter than the real keys: signing takes a third of the time."""


@dataclass
class TokenMint:
    """An `Issuer` with one signing key, which has taken back what is in `revoked`. Two mints have different keys."""

    issuer: str = "http://admin.test"
    audience: str = "artstore"
    key_id: str = "test-key"
    pull_every_s: float = 20.0
    revoked: list[Revocation] = field(default_factory=list)
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, KEY_BITS), repr=False)

    def mint(
        self,
        subject: str = "tester",
        *,
        scopes: Iterable[Scope | str] = tuple(Scope),
        grants: Iterable[Grant] = (EVERYTHING,),
        audience: str | None = None,
        expires_in_s: float = 900,
        header: Mapping[str, str] | None = None,
        **overrides: object,
    ) -> str:
        """A token. `overrides` replace claims, those that are None are left out; `header` likewise, for the header."""
        now = time.time()
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": audience or self.audience,
            "sub": subject,
            "client_id": subject,
            "iat": int(now),
            "exp": int(now + expires_in_s),
            "jti": uuid4().hex,
            "scope": " ".join(map(str, scopes)),
            "roles": [],
            "grants": [grant.model_dump(mode="json") for grant in grants],
        } | overrides
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self._key, "RS256", {"typ": "at+jwt", "kid": self.key_id, **(header or {})})

    def bearer(self, subject: str = "tester", *, scopes: Iterable[Scope | str] = tuple(Scope)) -> dict[str, str]:
        """An `Authorization` header with a good token."""
        return {"Authorization": f"Bearer {self.mint(subject, scopes=scopes)}"}

    def jwks(self) -> dict[str, object]:
        """The key set that proves this mint's tokens (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.key_id}
        return {"keys": [key | {"n": _base64url(numbers.n), "e": _base64url(numbers.e)}]}

    async def keys(self) -> Mapping[str, object]:
        """`jwks`, as an `Issuer` gives it."""
        return self.jwks()

    async def revocations(self, after: datetime | None) -> RevocationList:  # noqa: ARG002 (all is always a right answer)
        """All that is `revoked`."""
        return RevocationList(as_of=datetime.now(UTC), items=self.revoked)

    async def heard(self, fresh: Sequence[Revocation]) -> None:
        """Nobody else is to be told."""

    def settings(self) -> TokenSettings:
        """Settings of a service that accepts this mint's tokens."""
        return TokenSettings(issuer=self.issuer, jwks_url=None, audience=self.audience)


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
