"""An access token read strictly (RFC 7515, 7519, 8725, 9068): whatever our issuer would not write is refused."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from artstore_kit.contracts.errors import NotAuthenticated
from artstore_kit.principal import CHALLENGE
from artstore_kit.settings import TokenSettings

LEEWAY_S = 60
LONGEST_LIFE_S = 86_400
"""A token that says that it is good for longer is none of ours, whoever signed it."""

TOKEN_LIMIT_BYTES = 16_384
NAME_LIMIT = 256

_PART = re.compile(r"[A-Za-z0-9_-]+")
_MEMBERS = {"alg", "typ", "kid"}
"""None that names a key or an algorithm of its own (`jwk`, `jku`, `x5c`, ...), wants to be understood (`crit`), or
says that the content is packed (`zip`)."""

_TYPES = {"at+jwt", "application/at+jwt"}


@dataclass(frozen=True)
class Unverified:
    """A token that has the right form, and of which nothing is believed yet."""

    kid: str
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    def require_signed_by(self, key: object) -> None:
        """Raise unless `key` is an RSA key that has signed this (RS256)."""
        if not isinstance(key, RSAPublicKey):
            refuse("The access token names a key of another kind.")
        try:
            key.verify(self.signature, self.signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            refuse("The signature of the access token is wrong.")


def parsed(token: str) -> Unverified:
    """The parts of a token in the compact form."""
    if len(token) > TOKEN_LIMIT_BYTES:
        refuse("The access token is too long.")
    parts = token.split(".")
    if len(parts) != 3:
        refuse("The access token does not have three parts.")
    head, body, signature = map(_decoded, parts)
    header = _object(head)
    if header.get("alg") != "RS256" or str(header.get("typ")).lower() not in _TYPES or not header.keys() <= _MEMBERS:
        refuse("The access token is not an RS256 token of type at+jwt with the header members alg, typ and kid.")
    return Unverified(_name(header, "kid"), _object(body), token.rpartition(".")[0].encode(), signature)


def require_good(claims: Mapping[str, Any], settings: TokenSettings, now: float) -> None:
    """Raise unless the token was issued by and for whom the settings name, and `now` lies in its time."""
    if claims.get("iss") != settings.issuer or claims.get("aud") != settings.audience:
        refuse("The access token is of another issuer, or for another audience.")
    issued_at, expires_at = _moment(claims, "iat"), _moment(claims, "exp")
    not_before = _moment(claims, "nbf") if "nbf" in claims else issued_at
    if expires_at + LEEWAY_S <= now:
        refuse("The access token has expired.")
    if max(issued_at, not_before) > now + LEEWAY_S or not issued_at < expires_at <= issued_at + LONGEST_LIFE_S:
        refuse("The access token is from another time.")


def names_of(claims: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, client and the token's own id."""
    return _name(claims, "sub"), _name(claims, "client_id"), _name(claims, "jti")


def words(claims: Mapping[str, Any], name: str) -> list[str]:
    """A list of words; none when it is left out."""
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        refuse(f"The claim {name} of the access token is no list of words.")
    return value


def scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """The scopes; none when the claim is left out."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        refuse("The claim scope of the access token is no string.")
    return frozenset(scope.split())


def session_of(claims: Mapping[str, Any]) -> str:
    """The session of a person; empty in other tokens."""
    return _name(claims, "sid") if "sid" in claims else ""


def refuse(detail: str, error: str = "invalid_token") -> NoReturn:
    """Raise `NotAuthenticated` with the challenge of RFC 6750 section 3."""
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    raise NotAuthenticated(detail, headers={"WWW-Authenticate": challenge})


def _decoded(part: str) -> bytes:
    """Base64url without padding, spelt in the only way that there is: two spellings would be two tokens."""
    if _PART.fullmatch(part):
        try:
            data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except binascii.Error:
            refuse("The access token is not base64url.")
        if base64.urlsafe_b64encode(data).rstrip(b"=") == part.encode():
            return data
    refuse("The access token is not base64url.")


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_no_float)
    except (ValueError, RecursionError):
        refuse("The access token is not made of JSON objects with each member once.")
    if not isinstance(found, dict):
        refuse("The access token is not made of JSON objects with each member once.")
    return found


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    members = dict(listed)
    if len(members) != len(listed):
        raise ValueError("a member is there twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text} is no whole number")


def _moment(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        refuse(f"The claim {name} of the access token is no moment in whole seconds.")
    return value


def _name(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LIMIT or not value.isprintable():
        refuse(f"The access token has no proper {name}.")
    return value
