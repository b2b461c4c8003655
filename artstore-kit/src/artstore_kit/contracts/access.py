"""May this subject do this, and why: the question and its answer (DESIGN section 8)."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from artstore_kit.contracts.identity import Action, Scope


class SubjectKind(StrEnum):
    """Who a name stands for."""

    SERVICE_ACCOUNT = "service_account"
    ADMINISTRATOR = "administrator"
    UNKNOWN = "unknown"


class AccessCode(StrEnum):
    """What a reason is: something that is held, or something that stands in the way."""

    SCOPE_HELD = "scope_held"
    GRANT_HELD = "grant_held"
    SCOPE_MISSING = "scope_missing"
    GRANT_MISSING = "grant_missing"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_EXPIRED = "account_expired"
    ACCOUNT_LOCKED = "account_locked"
    PASSWORD_CHANGE_REQUIRED = "password_change_required"  # noqa: S105 (a code)

    @property
    def is_held(self) -> bool:
        """Whether it speaks for the subject."""
        return self in {AccessCode.SCOPE_HELD, AccessCode.GRANT_HELD}


class AccessQuestion(BaseModel):
    """May `subject` do what needs `scope`, or `action` on the files of `collection`?"""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(pattern=r"^[\w.@-]{1,64}$")
    scope: Scope | None = Field(None, description="with an action: files:<action> when left out")
    action: Action | None = None
    collection: str | None = Field(None, pattern=r"^[\w./*-]{1,128}$")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if (self.action is None) != (self.collection is None):
            raise ValueError("action and collection come together")
        if self.scope is None and self.action is None:
            raise ValueError("name a scope, or an action and a collection")
        return self

    @property
    def scope_asked(self) -> Scope:
        """A right to files is a scope and a grant."""
        return self.scope or Scope(f"files:{self.action}")


class AccessReason(BaseModel):
    """Why, or why not."""

    code: AccessCode
    source: str = Field("", description="what gives it: `own`, or `role:<name>`")
    detail: str


class AccessAnswer(BaseModel):
    """Allowed when no reason stands in the way. What counts is a token that the subject would get now."""

    subject: str
    kind: SubjectKind
    allowed: bool
    reasons: list[AccessReason]
