"""What was taken back before its time: tokens, those of a session, all older ones of a subject, signing keys."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from artstore_kit.contracts.files import Moment

REVOCATIONS_CHANNEL = "artstore:revocations"
"""In Redis: whatever is published here only wakes those who then ask the admin module."""


class RevocationKind(StrEnum):
    """What `name` is: a token's `jti`, a session's `sid`, a subject (a program or a person), a signing key's `kid`."""

    TOKEN = "token"  # noqa: S105 (a kind)
    SESSION = "session"
    SUBJECT = "subject"
    KEY = "key"


class Revocation(BaseModel):
    """One entry. It ends when nothing that it concerns can still be valid."""

    model_config = ConfigDict(frozen=True)

    kind: RevocationKind
    name: str
    before: Moment | None = Field(None, description="of a subject: its tokens with an earlier `iat` are refused")
    ends_at: Moment


class RevocationList(BaseModel):
    """What was revoked since the moment that was asked for, or all that has not ended."""

    as_of: Moment = Field(description="ask with this moment the next time")
    items: list[Revocation]
