"""Attributes of files: read, change, remove, list."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BeforeValidator

from artstore_kit.application import needs, services_of
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.files import AttributeChanges, FileAttributes
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from artstore_kit.principal import Principal
from storage_element.domain.asker import Asker
from storage_element.domain.rules import revision_tag
from storage_element.factory.services import Services

router = APIRouter(prefix="/files", tags=["files"])
Wired = Annotated[Services, Depends(services_of(Services))]
Reading = Annotated[Principal, needs(Scope.FILES_READ, grant=Action.READ)]
Writing = Annotated[Principal, needs(Scope.FILES_WRITE, grant=Action.WRITE)]
Deleting = Annotated[Principal, needs(Scope.FILES_DELETE, grant=Action.DELETE)]
FileId = Annotated[UUID, BeforeValidator(parse_file_id)]
IfMatch = Annotated[str | None, Header()]
ApprovalOf = Annotated[
    UUID | None, Header(alias=APPROVAL_HEADER, description="of a second administrator, for what cannot be undone")
]


@router.get("/{file_id}", response_model=FileAttributes)
async def show(file_id: FileId, who: Reading, services: Wired) -> Response:
    """The attributes of one file; their ETag is the revision."""
    file = await services.reader.attributes(file_id)
    who.require_grant(Action.READ, file.collection)
    return _answer(file)


@router.patch("/{file_id}", response_model=FileAttributes)
async def change(
    file_id: FileId, changes: AttributeChanges, who: Writing, services: Wired, if_match: IfMatch = None
) -> Response:
    """Set the attributes that are named; `If-Match: "r<revision>"` guards against a change in between."""
    asker = Asker.of(who, Action.WRITE)
    asker.allowed((await services.reader.attributes(file_id)).collection)
    if changes.collection is not None:
        asker.allowed(changes.collection)
    return _answer(await services.writer.change(file_id, changes, if_match, asker))


@router.delete("/{file_id}", status_code=204)
async def remove(
    file_id: FileId, who: Deleting, services: Wired, *, if_match: IfMatch = None, approval: ApprovalOf = None
) -> None:
    """Remove a file that neither a hold nor its retention keeps; with an approval, before its retention ends."""
    asker = Asker.of(who, Action.DELETE)
    asker.allowed((await services.reader.attributes(file_id)).collection)
    approved = services.four_eyes.destroying(file_id, asker.origin, approval)
    await services.writer.remove(file_id, if_match, asker, approved)


@router.get("", response_model=Page[FileAttributes])
async def list_all(
    who: Reading,
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Response:
    """All files of the element, oldest id first. It shows every collection: a grant on `*` is needed."""
    who.require_grant(Action.READ, "*")
    return Response(await services.catalog.page(cursor, limit), media_type="application/json")


def _answer(file: FileAttributes) -> Response:
    return Response(file.to_json(), media_type="application/json", headers={"ETag": revision_tag(file)})
