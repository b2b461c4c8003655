"""Something written for one recipient alone: encrypted as JWE (RFC 7516), so that any JOSE library opens it."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from artstore_kit.contracts.errors import InvalidFields

SHORTEST_BITS, LONGEST_BITS = 3072, 8192
_HEADER = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "json"}
_TAG_BYTES = 16


@dataclass(frozen=True)
class Recipient:
    """Whoever has the private half of this key."""

    key: rsa.RSAPublicKey

    @classmethod
    def read(cls, pem: str) -> Self:
        """The recipient of this public key; `InvalidFields` when it is none that is good enough."""
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise InvalidFields("recipient: this is no public key in PEM.") from None
        if not isinstance(key, rsa.RSAPublicKey) or not SHORTEST_BITS <= key.key_size <= LONGEST_BITS:
            raise InvalidFields(f"recipient: an RSA key of {SHORTEST_BITS} to {LONGEST_BITS} bits is needed.")
        return cls(key)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key, in hex: `openssl pkey -pubin -outform DER | sha256sum` gives the same."""
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        return hashlib.sha256(self.key.public_bytes(serialization.Encoding.DER, spki)).hexdigest()

    def sealed(self, text: bytes) -> str:
        """`text` for this recipient: JWE in its compact form (section 7.1)."""
        content_key, nonce = AESGCM.generate_key(256), os.urandom(12)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        header = _base64url(json.dumps(_HEADER).encode())
        encrypted = AESGCM(content_key).encrypt(nonce, text, header.encode())
        parts = (self.key.encrypt(content_key, oaep), nonce, encrypted[:-_TAG_BYTES], encrypted[-_TAG_BYTES:])
        return ".".join([header, *map(_base64url, parts)])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
