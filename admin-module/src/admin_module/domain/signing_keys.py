"""The life of a signing key: published, then used, then retired, and published until its last token has expired."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from admin_module.domain.subjects import TOKEN_LIFETIME_S
from artstore_kit.contracts.keys import KeyState

KEY_SIZE_BITS = 3072
LEEWAY_S = 60
"""So long after `exp` services still accept a token, whose clock may be behind ours."""

SIGNED_LATE = timedelta(seconds=60)
"""So long after a key's end a node may still sign with it, which has not read the keys again."""

KEPT_AFTER_RETIREMENT = SIGNED_LATE + timedelta(seconds=TOKEN_LIFETIME_S + LEEWAY_S)


@dataclass(frozen=True)
class SigningKey:
    """A key pair; its private half is sealed, and empty once it was let go."""

    kid: str
    public_jwk: Mapping[str, str]
    sealed_private_key: bytes
    published_at: datetime
    not_before: datetime
    retired_at: datetime | None = None
    revoked_at: datetime | None = None

    def signs(self, now: datetime) -> bool:
        """Whether tokens may be signed with it."""
        over = self.retired_at is not None and self.retired_at <= now
        return self.revoked_at is None and self.not_before <= now and not over and bool(self.sealed_private_key)

    def verifies(self, now: datetime) -> bool:
        """Whether tokens signed with it can still be valid."""
        return self.revoked_at is None and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Whether the last token signed with it has expired."""
        ended = self.revoked_at or self.retired_at
        return ended is not None and ended + KEPT_AFTER_RETIREMENT <= now

    def is_kept_for_nothing(self, now: datetime) -> bool:
        """Whether there is a private half that no node signs with any more."""
        ended = self.retired_at is not None and self.retired_at + SIGNED_LATE <= now
        return bool(self.sealed_private_key) and (ended or self.revoked_at is not None)


def current(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """The key that signs now: the newest that may."""
    usable = [key for key in keys if key.signs(now)]
    return max(usable, key=lambda key: (key.not_before, key.kid), default=None)


def upcoming(keys: Iterable[SigningKey], now: datetime) -> SigningKey | None:
    """The key that will sign after the current one: published already, so that every service has it by then."""
    waiting = [key for key in keys if key.not_before > now and key.revoked_at is None]
    return min(waiting, key=lambda key: (key.not_before, key.kid), default=None)


def state_of(key: SigningKey, keys: Iterable[SigningKey], now: datetime) -> KeyState:
    """Where this one of `keys` is in its life."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    if key.not_before > now:
        return KeyState.NEXT
    signer = current(keys, now)
    return KeyState.CURRENT if signer is not None and key.kid == signer.kid else KeyState.RETIRED


def key_set(keys: Iterable[SigningKey], now: datetime) -> dict[str, object]:
    """The JWKS document (RFC 7517): every key whose tokens can be valid, those not yet in use too."""
    return {"keys": [dict(key.public_jwk) for key in keys if key.verifies(now)]}


def named(public_jwk: Mapping[str, str]) -> dict[str, str]:
    """The published form of an RSA key, its `kid` being the thumbprint of RFC 7638."""
    members = {name: public_jwk[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return {**members, "kid": kid, "use": "sig", "alg": "RS256"}
