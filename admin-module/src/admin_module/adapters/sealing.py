"""Secrets sealed with AES-256-GCM for the database; RSA key pairs: made, sealed, opened again, and used to sign."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwt.algorithms import RSAAlgorithm

from admin_module.domain.signing_keys import KEY_SIZE_BITS, named
from artstore_kit.settings import WrongSettings

_VERSION = b"\x02"
_FIRST_VERSION = b"\x01"
"""Without the name of the sealing key; still opened."""

_NAME_BYTES = 8
_NONCE_BYTES = 12


class SealedKeys:
    """Seals with one key, opens with that and others. A secret's name is bound to its seal: rows cannot be exchanged.

    What is sealed is a version byte (2), the first 8 bytes of the sealing key's SHA-256, the nonce, and the secret
    encrypted with AES-256-GCM.
    """

    def __init__(self, sealing_key: bytes, *others: bytes) -> None:
        self._ciphers = {_name_of(key): AESGCM(key) for key in (sealing_key, *others)}
        self._newest = _name_of(sealing_key)

    def generate(self) -> tuple[dict[str, str], bytes]:
        """A new key pair: the published half, and the sealed half. Takes a good part of a second."""
        private_key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE_BITS)
        public_jwk = named(RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True))
        pem = private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return public_jwk, self.seal(public_jwk["kid"], pem)

    def open(self, kid: str, sealed: bytes) -> rsa.RSAPrivateKey:
        """The private key; `WrongSettings` when it was sealed with a key that is not given here. Takes 0.2 s."""
        key = serialization.load_pem_private_key(self.unseal(kid, sealed), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    def seal(self, name: str, secret: bytes) -> bytes:
        """What is kept of a secret of this name."""
        nonce = os.urandom(_NONCE_BYTES)
        encrypted = self._ciphers[self._newest].encrypt(nonce, secret, name.encode())
        return _VERSION + self._newest + nonce + encrypted

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """The secret of this name; `WrongSettings` when it was sealed with a key that is not given here."""
        for nonce, ciphertext, cipher in self._ways(sealed):
            try:
                return cipher.decrypt(nonce, ciphertext, name.encode())
            except InvalidTag:
                continue
        raise WrongSettings(
            "ARTSTORE_KEYS__SEALING_KEY: does not open the signing keys in the database; it must be the key with which "
            "they were sealed, or ARTSTORE_KEYS__PREVIOUS_SEALING_KEYS must have it"
        )

    def is_newest(self, sealed: bytes) -> bool:
        """Whether it is sealed with the key that seals now."""
        return sealed.startswith(_VERSION + self._newest)

    def _ways(self, sealed: bytes) -> Iterator[tuple[bytes, bytes, AESGCM]]:
        if sealed.startswith(_VERSION):
            name, rest = sealed[1 : 1 + _NAME_BYTES], sealed[1 + _NAME_BYTES :]
            ciphers = [self._ciphers[name]] if name in self._ciphers else []
        else:
            rest = sealed.removeprefix(_FIRST_VERSION)
            ciphers = list(self._ciphers.values())
        for cipher in ciphers:
            yield rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], cipher


def _name_of(sealing_key: bytes) -> bytes:
    return hashlib.sha256(sealing_key).digest()[:_NAME_BYTES]


def signed(claims: Mapping[str, Any], kid: str, key: rsa.RSAPrivateKey) -> str:
    """An access token (RFC 9068). Takes over a millisecond of a core, without holding the interpreter."""
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": kid, "typ": "at+jwt"})
