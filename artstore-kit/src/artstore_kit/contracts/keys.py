"""Signing keys as administrators see them."""

from enum import StrEnum

from pydantic import BaseModel, Field

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
