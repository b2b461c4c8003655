"""How a client shows who it is: by its secret (RFC 6749 section 2.3.1), or by a signed assertion (RFC 7523)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt

from artstore_kit.contracts.errors import InvalidClient

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIMIT_BYTES = 8192
CLOCK_LEEWAY_S = 60
"""So far the client's clock may be from ours."""

_JTI_LIMIT = 255


@dataclass(frozen=True)
class SharedSecret:
    """A name and what should be its secret."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class SignedAssertion:
    """A JWT, and the client_id that came beside it, if one did."""

    beside: str | None
    encoded: str = field(repr=False)


type Proof = SharedSecret | SignedAssertion


@dataclass(frozen=True)
class Assertion:
    """A JWT that the client of this name should have signed; its claims are checked, its signature is not yet."""

    client_id: str
    key_id: str | None
    algorithm: str
    jti_sha256: bytes
    expires_at: datetime
    encoded: str = field(repr=False)


@dataclass(frozen=True)
class AssertionRules:
    """Whom assertions must be meant for, and how long they may be good for."""

    audiences: frozenset[str]
    lifetime_s: int

    def read(self, proof: SignedAssertion, now: datetime) -> Assertion:
        """The assertion, if its claims are in order (RFC 7523 section 3); else `InvalidClient`, saying why.

        What is said depends on the assertion alone, never on what is known of the client.
        """
        header, claims = _decoded(proof.encoded)
        if "crit" in header:
            raise InvalidClient("The assertion's header holds extensions that are not understood here.")
        client_id = _text(claims, "sub")
        if _text(claims, "iss") != client_id or proof.beside not in {None, client_id}:
            raise InvalidClient("The assertion's iss and sub must both be the client_id.")
        if not self.audiences & _audiences(claims.get("aud")):
            raise InvalidClient("The assertion is meant for somebody else: aud must be the issuer or this endpoint.")
        return Assertion(
            client_id=client_id,
            key_id=header.get("kid"),
            algorithm=str(header.get("alg")),
            jti_sha256=hashlib.sha256(_text(claims, "jti").encode()).digest(),
            expires_at=self._expiry(claims, now),
            encoded=proof.encoded,
        )

    def _expiry(self, claims: Mapping[str, Any], now: datetime) -> datetime:
        expires_s, now_s = _moment(claims, "exp"), now.timestamp()
        if expires_s + CLOCK_LEEWAY_S <= now_s:
            raise InvalidClient("The assertion has expired.")
        if expires_s > now_s + self.lifetime_s + CLOCK_LEEWAY_S:
            raise InvalidClient(f"The assertion is good for too long: at most {self.lifetime_s} s.")
        for claim in {"nbf", "iat"} & claims.keys():
            if _moment(claims, claim) > now_s + CLOCK_LEEWAY_S:
                raise InvalidClient(f"The assertion is not good yet: its {claim} is in the future.")
        return datetime.fromtimestamp(expires_s, UTC)


def _decoded(encoded: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if len(encoded) > ASSERTION_LIMIT_BYTES:
        raise InvalidClient(f"The assertion is longer than {ASSERTION_LIMIT_BYTES} bytes.")
    try:
        parts = jwt.decode_complete(encoded, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidClient("The assertion is not a signed JWT.") from None
    return parts["header"], parts["payload"]


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _JTI_LIMIT or not (value.isascii() and value.isprintable()):
        raise InvalidClient(f"The assertion's {name} must be a string of 1 to {_JTI_LIMIT} printable ASCII characters.")
    return value


def _audiences(value: object) -> frozenset[str]:
    return frozenset(each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**33:
        raise InvalidClient(f"The assertion's {name} must be a time in seconds since 1970.")
    return float(value)
