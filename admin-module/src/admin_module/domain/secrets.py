"""Client secrets: 256 random bits, so that a plain SHA-256 keeps them (there is nothing to guess or to stretch)."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from artstore_kit.contracts.errors import SecretsOverlap

SECRETS_AT_MOST = 2

_NO_HASH = bytes(32)


@dataclass(frozen=True)
class KeptSecret:
    """What is kept of a secret of an account: it opens it until it expires, or for good."""

    client_id: str
    sha256: bytes = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True)
class EndingSecret:
    """The last secret of an account, which ends soon or has ended."""

    client_id: str
    created_at: datetime
    expires_at: datetime


def new_secret() -> str:
    """A client secret; shown once, to whom asked for it."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, known: Iterable[bytes]) -> bool:
    """Whether `secret` is one of those whose hashes are `known`; takes as long for none as for one."""
    given = hashed(secret)
    results = [hmac.compare_digest(given, each) for each in (*known, _NO_HASH)]
    return any(results)


def overlapping(old: Sequence[KeptSecret], now: datetime, overlap: timedelta) -> KeptSecret | None:
    """What goes on of the `old` secrets beside a new one, and until when; never longer than it would have.

    `SecretsOverlap` when two go on already: which of them nobody uses any more is not known here.
    """
    if not overlap or not old:
        return None
    if len(old) >= SECRETS_AT_MOST:
        raise SecretsOverlap
    (kept,) = old
    ends_at = now + overlap if kept.expires_at is None else min(kept.expires_at, now + overlap)
    return KeptSecret(kept.client_id, kept.sha256, ends_at)
