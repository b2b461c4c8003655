"""Signing keys as administrators see them."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from artstore_kit.contracts.files import Moment


class KeyState(StrEnum):
    """Where in its life a key is."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"
    REVOKED = "revoked"


class SigningKeyView(BaseModel):
    """One key. Its public half is at `/.well-known/jwks.json`, as long as its tokens can be valid."""

    kid: str
    state: KeyState
    published_at: Moment
    not_before: Moment = Field(description="it signs from this moment on")
    retired_at: Moment | None = Field(description="another key has signed from this moment on")
    revoked_at: Moment | None


class SigningKeyList(BaseModel):
    """All keys, in the order in which they sign."""

    items: list[SigningKeyView]


class KeyExportRequest(BaseModel):
    """For whom the keys are: only who has the private half can read them."""

    model_config = ConfigDict(extra="forbid")

    recipient: str = Field(max_length=8192, description="an RSA public key of 3,072 to 8,192 bits, as PEM")


class KeyExport(BaseModel):
    """All private keys of the admin module, encrypted."""

    fingerprint: str = Field(description="SHA-256 of the recipient's public key (DER, SubjectPublicKeyInfo), in hex")
    jwe: str = Field(description="RFC 7516, compact, RSA-OAEP-256 and A256GCM: JSON with signing_keys and audit_keys")
