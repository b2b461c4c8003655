"""Signatures of clients' assertions, checked with the keys that they registered."""

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from admin_module.domain.proofs import Assertion
from artstore_kit.contracts.client_keys import KEYS_AT_MOST, SIGNING_ALGORITHMS, PublicKey
from artstore_kit.contracts.errors import InvalidFields

_RSA_BITS = 2048
_UNCHECKED = {
    "verify_signature": True,
    "require": [],
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
}
"""The claims were checked before, by our own clock."""


def signed_by_one_of(keys: Sequence[PublicKey], assertion: Assertion) -> bool:
    """Whether one of the keys made the signature. As much is computed however many keys are fit for it, and for none.

    Those that an assertion does not choose from by a `kid` can be as many as a client may have.
    """
    fitting = [_loaded(key) for key in keys if _fits(key, assertion)]
    missing = (KEYS_AT_MOST if assertion.key_id is None else 1) - len(fitting)
    checked = [*fitting, *_nobodys_keys(assertion.algorithm) * missing]
    return any([_verifies(key, assertion) for key in checked][: len(fitting)])


def require_usable(keys: Sequence[PublicKey]) -> None:
    """Raise `InvalidFields` for a key that is no point of its curve, or is otherwise not a key."""
    for key in keys:
        try:
            _loaded(key)
        except (jwt.PyJWTError, ValueError) as error:
            raise InvalidFields(f"jwks: the key {key.kid or ''} cannot be used: {error}") from None


def _fits(key: PublicKey, assertion: Assertion) -> bool:
    """The algorithm follows from the key, not from what the assertion says of itself."""
    allowed = (key.alg,) if key.alg else SIGNING_ALGORITHMS[key.kty]
    return assertion.algorithm in allowed and (assertion.key_id is None or assertion.key_id == key.kid)


def _verifies(key: Any, assertion: Assertion) -> bool:
    try:
        jwt.decode(assertion.encoded, key, algorithms=[assertion.algorithm], options=_UNCHECKED)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        return False
    return True


@lru_cache(maxsize=1024)
def _loaded(key: PublicKey) -> Any:
    members = key.model_dump(mode="json", include={"kty", "n", "e", "crv", "x", "y"})
    return jwt.PyJWK(members, SIGNING_ALGORITHMS[key.kty][0]).key


def _nobodys_keys(algorithm: str) -> list[Any]:
    return [_nobodys().get(algorithm)] if algorithm in _nobodys() else []


@lru_cache(maxsize=1)
def _nobodys() -> Mapping[str, Any]:
    """Keys whose other half nobody has. The modulus is a random number, which costs as much to calculate with."""
    modulus = secrets.randbits(_RSA_BITS) | 1 << (_RSA_BITS - 1) | 1
    of_rsa = rsa.RSAPublicNumbers(65537, modulus).public_key()
    return {
        "RS256": of_rsa,
        "PS256": of_rsa,
        "ES256": ec.generate_private_key(ec.SECP256R1()).public_key(),
        "EdDSA": ed25519.Ed25519PrivateKey.generate().public_key(),
    }
