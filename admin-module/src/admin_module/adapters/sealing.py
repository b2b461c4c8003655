"""RSA key pairs: made, sealed with AES-256-GCM for the database, opened again, and used to sign."""

import os
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwt.algorithms import RSAAlgorithm

from admin_module.domain.signing_keys import KEY_SIZE_BITS, named
from artstore_kit.settings import WrongSettings

_VERSION = b"\x01"
_NONCE_BYTES = 12


class SealedKeys:
    """Opens and seals private keys. The kid is bound to the seal, so that rows cannot be exchanged.

    A sealed key is a version byte (1), the nonce, and the PEM encrypted with AES-256-GCM.
    """

    def __init__(self, sealing_key: bytes) -> None:
        self._cipher = AESGCM(sealing_key)

    def generate(self) -> tuple[dict[str, str], bytes]:
        """A new key pair: the published half, and the sealed half. Takes a good part of a second."""
        private_key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE_BITS)
        public_jwk = named(RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True))
        pem = private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return public_jwk, self.seal(public_jwk["kid"], pem)

    def open(self, kid: str, sealed: bytes) -> rsa.RSAPrivateKey:
        """The private key; `WrongSettings` when the sealing key is not the one that sealed it. Takes 0.2 s."""
        key = serialization.load_pem_private_key(self.unseal(kid, sealed), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    def seal(self, name: str, secret: bytes) -> bytes:
        """What is kept of a secret of this name."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, name.encode())

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """The secret of this name; `WrongSettings` when the sealing key is not the one that sealed it."""
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, name.encode())
        except InvalidTag:
            raise WrongSettings(
                "ARTSTORE_KEYS__SEALING_KEY: does not open the signing keys in the database; "
                "it must be the key with which they were sealed"
            ) from None


def signed(claims: Mapping[str, Any], kid: str, key: rsa.RSAPrivateKey) -> str:
    """An access token (RFC 9068). Takes over a millisecond of a core, without holding the interpreter."""
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": kid, "typ": "at+jwt"})
