"""Client secrets: 256 random bits, so that a plain SHA-256 keeps them (there is nothing to guess or to stretch)."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta

LIFETIME = timedelta(days=90)

_NO_HASH = bytes(32)


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
