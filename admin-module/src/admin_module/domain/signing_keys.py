"""The life of a signing key: published, then used, then retired, and published until its last token has expired."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from admin_module.domain.subjects import TOKEN_LIFETIME_S

KEY_SIZE_BITS = 3072
LEEWAY_S = 60
"""So long after `exp` services still accept a token, whose clock may be behind ours."""

KEPT_AFTER_RETIREMENT = timedelta(seconds=TOKEN_LIFETIME_S + LEEWAY_S)


@dataclass(frozen=True)
class SigningKey:
    """A key pair; its private half is sealed."""

    kid: str
    public_jwk: Mapping[str, str]
    sealed_private_key: bytes
    published_at: datetime
    not_before: datetime
    retired_at: datetime | None = None

    def signs(self, now: datetime) -> bool:
        """Whether tokens may be signed with it."""
        return self.not_before <= now and (self.retired_at is None or now < self.retired_at)

    def verifies(self, now: datetime) -> bool:
        """Whether tokens signed with it can still be valid."""
        return self.retired_at is None or now < self.retired_at + KEPT_AFTER_RETIREMENT


def current(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """The key that signs now: the newest that may."""
    usable = [key for key in keys if key.signs(now)]
    return max(usable, key=lambda key: (key.not_before, key.kid), default=None)


def key_set(keys: Iterable[SigningKey], now: datetime) -> dict[str, object]:
    """The JWKS document (RFC 7517): every key whose tokens can be valid, those not yet in use too."""
    return {"keys": [dict(key.public_jwk) for key in keys if key.verifies(now)]}


def named(public_jwk: Mapping[str, str]) -> dict[str, str]:
    """The published form of an RSA key, its `kid` being the thumbprint of RFC 7638."""
    members = {name: public_jwk[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return {**members, "kid": kid, "use": "sig", "alg": "RS256"}
