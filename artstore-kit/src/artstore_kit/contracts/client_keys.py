"""The public keys with which a service account proves who it is by `private_key_jwt` (RFC 7517, RFC 7523)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from artstore_kit.contracts.files import PlainText

KEYS_AT_MOST = 10
RSA_SIZES_BITS = range(2048, 4096 + 1)
"""Longer ones would make a signature dear to check, for whoever sends it."""

_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE_BYTES = 32

type SigningAlgorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
SIGNING_ALGORITHMS: Mapping[str, tuple[SigningAlgorithm, ...]] = {
    "RSA": ("RS256", "PS256"),
    "EC": ("ES256",),
    "OKP": ("EdDSA",),
}
"""What a key of each type may sign with: a key never serves another algorithm (RFC 8725 section 3.1)."""

_Base64url = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,700}$")]


class PublicKey(BaseModel):
    """One public key as a JWK: RSA of 2,048 to 4,096 bits, P-256 or Ed25519. Other members are passed over."""

    model_config = ConfigDict(frozen=True)

    kty: Literal["RSA", "EC", "OKP"]
    kid: Annotated[PlainText, Field(min_length=1, max_length=128)] | None = None
    alg: SigningAlgorithm | None = Field(None, description="the only algorithm that this key is used with")
    use: Literal["sig"] | None = None
    n: _Base64url | None = None
    e: _Base64url | None = None
    crv: Literal["P-256", "Ed25519"] | None = None
    x: _Base64url | None = None
    y: _Base64url | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_no_secret(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and (private := sorted(_PRIVATE_MEMBERS & value.keys())):
            raise ValueError(f"a private or symmetric key was sent (members {', '.join(private)}): replace it")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        {"RSA": self._require_rsa, "EC": self._require_p256, "OKP": self._require_ed25519}[self.kty]()
        if self.alg is not None and self.alg not in SIGNING_ALGORITHMS[self.kty]:
            raise ValueError(f"a key of type {self.kty} cannot sign with {self.alg}")
        return self

    @model_serializer(mode="wrap")
    def _as_jwk(self, members: SerializerFunctionWrapHandler) -> dict[str, str]:
        return {name: value for name, value in members(self).items() if value is not None}

    def _require_rsa(self) -> None:
        modulus, exponent = _number(self.n), _number(self.e)
        if modulus.bit_length() not in RSA_SIZES_BITS or modulus % 2 == 0:
            raise ValueError(f"n must be a modulus of {RSA_SIZES_BITS[0]} to {RSA_SIZES_BITS[-1]} bits")
        if not 3 <= exponent < 2**32 or exponent % 2 == 0:
            raise ValueError("e must be an odd exponent from 3 up, of at most 32 bits")

    def _require_p256(self) -> None:
        if self.crv != "P-256" or len(_bytes(self.x)) != _COORDINATE_BYTES or len(_bytes(self.y)) != _COORDINATE_BYTES:
            raise ValueError("an EC key has crv P-256 and coordinates x and y of 32 bytes")

    def _require_ed25519(self) -> None:
        if self.crv != "Ed25519" or len(_bytes(self.x)) != _COORDINATE_BYTES:
            raise ValueError("an OKP key has crv Ed25519 and a coordinate x of 32 bytes")


class KeySet(BaseModel):
    """The public keys of an account as a JWK Set; a single JWK stands for a set of one."""

    model_config = ConfigDict(frozen=True)

    keys: tuple[PublicKey, ...] = Field(min_length=1, max_length=KEYS_AT_MOST)

    @model_validator(mode="before")
    @classmethod
    def _of_one(cls, value: Any) -> Any:
        return {"keys": [value]} if isinstance(value, Mapping) and "kty" in value else value

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        names = [key.kid for key in self.keys]
        if len(names) > 1 and (None in names or len(set(names)) < len(names)):
            raise ValueError("where there are several keys, each has a kid of its own")
        return self


def _bytes(value: str | None) -> bytes:
    try:
        return base64.urlsafe_b64decode((value or "") + "==")
    except binascii.Error:
        return b""


def _number(value: str | None) -> int:
    return int.from_bytes(_bytes(value))
