"""Approvals: what cannot be undone is done by one administrator and approved by another (four eyes)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from artstore_kit.contracts.files import PlainText
from artstore_kit.contracts.identity import Scope

APPROVAL_HEADER = "X-ArtStore-Approval"
NAME_LIMIT = 255


class GuardedOperation(StrEnum):
    """What needs an approval. Named as the audit log names it."""

    HOLD_RELEASE = "hold.release"
    FILE_DESTROY = "file.destroy"
    ELEMENT_REMOVE = "element.remove"
    KEY_EXPORT = "key.export"


SCOPE_OF: Mapping[GuardedOperation, Scope] = {
    GuardedOperation.HOLD_RELEASE: Scope.FILES_HOLD,
    GuardedOperation.FILE_DESTROY: Scope.FILES_DELETE,
    GuardedOperation.ELEMENT_REMOVE: Scope.ELEMENTS_DELETE,
    GuardedOperation.KEY_EXPORT: Scope.KEYS_EXPORT,
}
"""The right to the operation itself: whoever asks for the approval, and whoever gives it, holds it too."""

_KIND_OF: Mapping[GuardedOperation, str] = {
    GuardedOperation.HOLD_RELEASE: "hold",
    GuardedOperation.FILE_DESTROY: "file",
    GuardedOperation.ELEMENT_REMOVE: "element",
    GuardedOperation.KEY_EXPORT: "keys",
}


def hold_resource(file_id: UUID, hold_id: str) -> str:
    """The resource of releasing this hold."""
    return f"hold:{file_id}/{hold_id}"


def file_resource(file_id: UUID) -> str:
    """The resource of destroying this file before its time."""
    return f"file:{file_id}"


def element_resource(element_id: str) -> str:
    """The resource of removing this storage element."""
    return f"element:{element_id}"


def keys_resource(fingerprint: str) -> str:
    """The resource of exporting all keys to the recipient whose public key has this fingerprint."""
    return f"keys:{fingerprint}"


class ApprovalState(StrEnum):
    """`expired` is what is pending or approved when its time is over."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


Resource = Annotated[PlainText, Field(min_length=3, max_length=256)]


class NewApproval(BaseModel):
    """What an administrator wants to do, and why."""

    model_config = ConfigDict(extra="forbid")

    operation: GuardedOperation
    resource: Resource = Field(
        description="hold:<file id>/<hold id>, file:<file id>, element:<element id> or keys:<fingerprint>"
    )
    reason: Annotated[PlainText, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _is_about_it(self) -> Self:
        kind = _KIND_OF[self.operation]
        if not self.resource.startswith(f"{kind}:"):
            raise ValueError(f"the resource of {self.operation.value} begins with '{kind}:'")
        return self


class Approval(BaseModel):
    """What was asked for, and what became of it."""

    approval_id: UUID
    operation: GuardedOperation
    resource: str
    reason: str
    state: ApprovalState
    requested_by: str
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    decided_by: str | None = None
    decided_at: AwareDatetime | None = None
    comment: str = Field("", description="of whoever decided")
    used_at: AwareDatetime | None = Field(None, description="when the operation was first done with it")
    used_on: str | None = Field(None, description="what was there then, as the service saw it")


class ApprovalDecision(BaseModel):
    """What whoever decides says to it."""

    model_config = ConfigDict(extra="forbid")

    comment: Annotated[PlainText, Field(max_length=500)] = ""


class ApprovalUse(BaseModel):
    """What is about to be done: asked by the service that does it, in the name of whoever wants it."""

    model_config = ConfigDict(extra="forbid")

    operation: GuardedOperation
    resource: Resource
    by: str = Field(min_length=1, max_length=NAME_LIMIT, description="on whose behalf")
    seen: Annotated[PlainText, Field(max_length=128)] = Field(
        "", description="what is there right before the deed: for what has come in its place the approval is not good"
    )
