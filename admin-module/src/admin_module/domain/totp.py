"""One-time codes of authenticator apps (RFC 6238: SHA-1, six digits, 30 s) and the codes for when the app is lost."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
"""As long as SHA-1's output (RFC 4226 section 4, R6)."""
RECOVERY_CODES = 10
ISSUER = "ArtStore"
_RECOVERY_BYTES = 10


def new_totp_secret() -> bytes:
    """What the app and this service share."""
    return secrets.token_bytes(SECRET_BYTES)


def step_at(now: datetime) -> int:
    """The number of the period of 30 s that this moment lies in."""
    return int(now.timestamp()) // STEP_S


def code_of(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a period (RFC 4226 section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The period whose code this is: that of `now`, or its neighbours, since clocks differ."""
    current = step_at(now)
    steps = (current - 1, current, current + 1)
    matching = [step for step in steps if hmac.compare_digest(code_of(secret, step).encode(), code.encode())]
    return matching[0] if matching else None


def is_totp_code(code: str) -> bool:
    """Whether it looks like a code of an app; recovery codes do not."""
    return len(code) == DIGITS and code.isascii() and code.isdecimal()


def in_base32(secret: bytes) -> str:
    """As it is typed into an app that cannot see the picture."""
    return base64.b32encode(secret).decode()


def otpauth_uri(username: str, secret: bytes) -> str:
    """What an app reads from a picture."""
    label = quote(f"{ISSUER}:{username}", safe=":")
    return f"otpauth://totp/{label}?{urlencode({'secret': in_base32(secret), 'issuer': ISSUER})}"


def new_recovery_codes() -> list[str]:
    """80 random bits each, so that a plain SHA-256 keeps them; in groups, to be written down."""
    codes = (base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in codes]


def recovery_hash(code: str) -> bytes:
    """What is kept of a recovery code, however it is typed."""
    plain = code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(plain.encode()).digest()
