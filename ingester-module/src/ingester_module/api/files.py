"""Changing and removing files, wherever they lie."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BeforeValidator

from artstore_kit.application import needs, services_of
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.files import AttributeChanges, FileAttributes
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.principal import Principal
from ingester_module.domain.revisions import revision_tag
from ingester_module.factory import Services

router = APIRouter(prefix="/files", tags=["files"])
Wired = Annotated[Services, Depends(services_of(Services))]
Writing = Annotated[Principal, needs(Scope.FILES_WRITE, grant=Action.WRITE)]
Deleting = Annotated[Principal, needs(Scope.FILES_DELETE, grant=Action.DELETE)]
FileId = Annotated[UUID, BeforeValidator(parse_file_id)]
IfMatch = Annotated[str | None, Header(description='`"r<revision>"`: only when the file is still at it')]

ApprovalOf = Annotated[
    UUID | None, Header(alias=APPROVAL_HEADER, description="of a second administrator, for what cannot be undone")
]


@router.patch("/{file_id}", response_model=FileAttributes)
async def change(
    file_id: FileId, changes: AttributeChanges, who: Writing, services: Wired, if_match: IfMatch = None
) -> Response:
    """Set the attributes that are named; the others stay."""
    answer = await services.changes.change(file_id, changes, who, if_match=if_match)
    headers = {"ETag": revision_tag(answer.file.revision)}
    return Response(answer.document, media_type="application/json", headers=headers)


@router.delete("/{file_id}", status_code=204)
async def remove(
    file_id: FileId, who: Deleting, services: Wired, *, if_match: IfMatch = None, approval: ApprovalOf = None
) -> None:
    """Remove a file, where the mode of its element allows it and neither a hold nor its retention keeps it.

    With an approval it is removed before its retention ends.
    """
    await services.changes.remove(file_id, who, if_match=if_match, approval=approval)
