"""How a service account shows who it is: by its secret, or by what its private key has signed (RFC 7523)."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import aiohttp
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel

from artstore.answers import fetch
from artstore_kit.contracts.client_keys import SIGNING_ALGORITHMS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME_S = 60

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class UnusableKey(ValueError):
    """The file holds no private key that ArtStore knows: RSA, P-256 or Ed25519, as PEM or as a JWK."""


class Proof(Protocol):
    """What is sent to the token endpoint beside the grant."""

    async def form(self, session: aiohttp.ClientSession, admin_url: str) -> Mapping[str, str]:
        """The parameters for one request; for the next one they are others."""


@dataclass(frozen=True)
class SharedSecret:
    """`client_secret_post` (RFC 6749 section 2.3.1)."""

    client_id: str
    secret: str = field(repr=False)

    async def form(self, session: aiohttp.ClientSession, admin_url: str) -> Mapping[str, str]:  # noqa: ARG002
        """The secret itself."""
        return {"client_id": self.client_id, "client_secret": self.secret}


@dataclass(frozen=True)
class SigningKey:
    """`private_key_jwt`: the key does not leave this machine."""

    client_id: str
    key: PrivateKey = field(repr=False)
    algorithm: str
    key_id: str | None = None

    @classmethod
    def read(cls, client_id: str, path: Path) -> "SigningKey":
        """The key in a file: PEM without a passphrase, or a private JWK; `UnusableKey` or `OSError`."""
        text = path.read_bytes()
        try:
            return _from_jwk(client_id, text) if text.lstrip().startswith(b"{") else _from_pem(client_id, text)
        except (ValueError, TypeError, KeyError, UnsupportedAlgorithm, jwt.PyJWTError) as error:
            raise UnusableKey(f"{path} cannot be used: {error}") from None

    async def form(self, session: aiohttp.ClientSession, admin_url: str) -> Mapping[str, str]:
        """A fresh assertion, since each is good once."""
        issuer = (await fetch(session, f"{admin_url}/.well-known/oauth-authorization-server", _Metadata)).issuer
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._signed(issuer)}

    def _signed(self, issuer: str) -> str:
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": issuer, "jti": uuid4().hex}
        headers = {"kid": self.key_id} if self.key_id else {}
        life = {"iat": now, "exp": now + ASSERTION_LIFETIME_S}
        return jwt.encode({**claims, **life}, self.key, self.algorithm, headers)


def proof_of(client_id: str, secret: str, key_file: Path | str) -> Proof:
    """By the key where there is one, else by the secret; `UnusableKey` or `OSError` as `SigningKey.read`."""
    return SigningKey.read(client_id, Path(key_file)) if key_file else SharedSecret(client_id, secret)


class _Metadata(BaseModel):
    """What is needed of RFC 8414's document."""

    issuer: str


def _from_pem(client_id: str, text: bytes) -> SigningKey:
    key = load_pem_private_key(text, None)
    if isinstance(key, rsa.RSAPrivateKey):
        return SigningKey(client_id, key, "RS256")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return SigningKey(client_id, key, "EdDSA")
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return SigningKey(client_id, key, "ES256")
    raise UnusableKey("it is neither RSA nor P-256 nor Ed25519")


def _from_jwk(client_id: str, text: bytes) -> SigningKey:
    jwk = jwt.PyJWK.from_dict(json.loads(text))
    if not isinstance(jwk.key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise UnusableKey("it holds a public key; the private one is needed")
    if jwk.algorithm_name not in SIGNING_ALGORITHMS[str(jwk.key_type)]:
        raise UnusableKey(f"a key cannot sign with {jwk.algorithm_name}")
    return SigningKey(client_id, jwk.key, jwk.algorithm_name, jwk.key_id)
