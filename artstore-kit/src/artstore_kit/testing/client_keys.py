"""Keys with which clients sign assertions (RFC 7523), good ones and others."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RSA_BITS = 2048
_LIFETIME_S = 60


@dataclass(frozen=True)
class ClientKey:
    """A key pair of a client."""

    algorithm: str
    private_key: Any
    kid: str | None = None

    @property
    def jwk(self) -> dict[str, str]:
        """The public half, as it is registered."""
        kinds = {"RS256": RSAAlgorithm, "PS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
        public = kinds[self.algorithm].to_jwk(self.private_key.public_key(), as_dict=True)  # type: ignore[attr-defined]
        names = ("kty", "n", "e", "crv", "x", "y")
        members = {name: public[name] for name in names if name in public}
        return members | ({"kid": self.kid} if self.kid else {})

    @property
    def pem(self) -> str:
        """The private half."""
        return str(self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

    def assertion(
        self, client_id: str, audience: object, *, header: Mapping[str, Any] | None = None, **overrides: object
    ) -> str:
        """An assertion as RFC 7523 wants it. `overrides` replace claims, those that are None are left out."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now,
            "exp": now + _LIFETIME_S,
            "jti": uuid4().hex,
        } | overrides
        present = {name: value for name, value in claims.items() if value is not None}
        return self.signed(json.dumps(present).encode(), header or {})

    def signed(self, payload: bytes, header: Mapping[str, Any]) -> str:
        """Any payload, signed."""
        named = {"kid": self.kid} if self.kid else {}
        return jwt.PyJWS().encode(payload, self.private_key, self.algorithm, {"typ": "JWT", **named, **header})


@cache
def client_key(algorithm: str = "ES256", kid: str | None = None) -> ClientKey:
    """The same pair each time it is asked for, because an RSA key is long in the making."""
    return ClientKey(algorithm, _private_key(algorithm), kid)


def _private_key(algorithm: str) -> Any:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, RSA_BITS)
