"""Tokens that must be refused: some signed with the fleet's own key, stolen, so that one claim alone is wrong."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from admin_module.adapters.sealing import SealedKeys
from artstore_kit.testing.tokens import TokenMint
from tools.fleet.databases import with_database
from tools.fleet.fleet import Fleet

_SIGNS_NOW = """
    SELECT kid, sealed_private_key FROM signing_keys
    WHERE not_before <= now() AND retired_at IS NULL AND revoked_at IS NULL ORDER BY not_before DESC LIMIT 1
"""


async def stolen_mint(fleet: Fleet) -> TokenMint:
    """Signs as the admin module does: with the key of its database, opened with the launcher's sealing key."""
    connection = await asyncpg.connect(with_database(fleet.servers.cluster.url, "artstore_admin"))
    try:
        ((kid, sealed),) = await connection.fetch(_SIGNS_NOW)
    finally:
        await connection.close()
    keys = SealedKeys(base64.b64decode(fleet.secrets.sealing_key().read_text()))
    return TokenMint(fleet.url("admin"), key_id=kid, _key=keys.open(kid, sealed))


def forgeries(mint: TokenMint, public_key: str) -> Mapping[str, str]:
    """Each with one thing wrong."""
    good = mint.mint()
    stranger = TokenMint(mint.issuer)
    return {
        "no token": "",
        "no JWT": "nonsense",
        "expired": mint.mint(expires_in_s=-120),
        "not valid yet": mint.mint(nbf=int(time.time()) + 3600),
        "for another audience": mint.mint(audience="somebody-else"),
        "from another issuer": mint.mint(iss="http://elsewhere.test"),
        "without an expiry": mint.mint(exp=None),
        "no access token": mint.mint(header={"typ": "JWT"}),
        "signed by a stranger": stranger.mint(),
        "signed by a stranger in our key's name": TokenMint(mint.issuer, key_id=mint.key_id).mint(),
        "altered": _altered(good),
        "with its signature cut off": good.rpartition(".")[0] + ".",
        "alg none": _signed_by_nobody(good),
        "HS256 with the public key": _signed_with(public_key.encode(), good),
        "HS256 with nothing": _signed_with(b"", good),
    }


def public_pem(mint: TokenMint) -> str:
    """The public half of the mint's key, as an attacker reads it from the JWKS."""
    key: RSAPrivateKey = mint._key
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _altered(token: str) -> str:
    head, claims, signature = token.split(".")
    return f"{head}.{_encoded(_decoded(claims) | {'sub': 'somebody else'})}.{signature}"


def _signed_by_nobody(token: str) -> str:
    return f"{_head(token, 'none')}.{token.split('.')[1]}."


def _signed_with(secret: bytes, token: str) -> str:
    """By hand: the library refuses to misuse a public key so."""
    signed = f"{_head(token, 'HS256')}.{token.split('.')[1]}"
    return f"{signed}.{_base64url(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _head(token: str, algorithm: str) -> str:
    return _encoded(jwt.get_unverified_header(token) | {"alg": algorithm})


def _encoded(part: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(part).encode())


def _decoded(part: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
