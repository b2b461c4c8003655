"""Uploads that are sent in parts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response

from artstore_kit.application import needs, services_of
from artstore_kit.contracts.errors import BadRequest
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.contracts.ids import parse_file_id
from artstore_kit.contracts.uploads import MAX_SIZE, OFFSET_HEADER, UploadCreation, UploadView
from artstore_kit.digests import parse_sha256
from artstore_kit.exchange import ByteRoute, Exchange
from artstore_kit.principal import Principal
from storage_element.api import described
from storage_element.api.content import WRITING, announced
from storage_element.api.files import FileId
from storage_element.domain.asker import Asker
from storage_element.domain.origin import Origin
from storage_element.domain.rules import revision_tag
from storage_element.domain.uploads import UploadSession
from storage_element.factory.services import Services
from storage_element.services.write import Upload

router = APIRouter(prefix="/uploads", tags=["uploads"])
Wired = Annotated[Services, Depends(services_of(Services))]
Writing = Annotated[Principal, needs(Scope.FILES_WRITE, grant=Action.WRITE)]
Owning = Annotated[Principal, needs(Scope.FILES_WRITE)]


@router.post("", status_code=201, response_model=UploadView)
async def create(creation: UploadCreation, who: Writing, services: Wired, response: Response) -> UploadView:
    """Begin an upload: its room is reserved. It is forgotten when no part comes for too long."""
    who.require_grant(Action.WRITE, creation.attributes.collection)
    upload = Upload(parse_file_id(str(creation.file_id)), creation.attributes, who.on_whose_behalf, Origin.of(who))
    session = await services.uploads.create(upload, creation.size)
    response.headers["Location"] = f"/api/v1/uploads/{session.upload_id}"
    return _shown(session, response)


@router.get("/{upload_id}", response_model=UploadView)
async def show(upload_id: UUID, who: Owning, services: Wired, response: Response) -> UploadView:
    """How much of it has come: the next part begins at `offset`."""
    return _shown(services.uploads.find(upload_id, who.on_whose_behalf), response)


async def append(exchange: Exchange[Services]) -> None:
    """Take the next part."""
    who = await exchange.authenticate()
    session = await exchange.services.uploads.append(
        _upload_id(exchange.params["upload_id"]),
        Asker.of(who, Action.WRITE),
        _offset(exchange.header(OFFSET_HEADER)),
        announced(exchange),
        exchange.body(),
    )
    await exchange.answer(204, [(OFFSET_HEADER, str(session.offset))])


@router.post("/{upload_id}/commit", status_code=201, response_model=FileAttributes)
async def commit(
    upload_id: UUID,
    who: Writing,
    services: Wired,
    repr_digest: Annotated[str | None, Header()] = None,
    file_id: FileId | None = None,
) -> Response:
    """Make it a file. `Repr-Digest` is compared with all that has come.

    When the answer was lost it can be repeated, with `file_id` and `Repr-Digest`: 200 with the file it has become.
    """
    sha256 = parse_sha256(repr_digest)
    file, created = await services.uploads.commit(upload_id, Asker.of(who, Action.WRITE), sha256, file_id)
    headers = {"ETag": revision_tag(file)}
    return Response(file.to_json(), 201 if created else 200, headers, media_type="application/json")


@router.delete("/{upload_id}", status_code=204)
async def abort(upload_id: UUID, who: Owning, services: Wired) -> None:
    """Give it up: nothing of it stays."""
    await services.uploads.abort(upload_id, who.on_whose_behalf)


def _shown(session: UploadSession, response: Response) -> UploadView:
    response.headers[OFFSET_HEADER] = str(session.offset)
    return UploadView(
        upload_id=session.upload_id,
        file_id=session.file_id,
        size=session.size,
        offset=session.offset,
        expires_at=session.expires_at,
    )


def _upload_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest("The upload's id is not a UUID.") from None


def _offset(header: str | None) -> int:
    if header is None or not header.isdecimal() or int(header) > MAX_SIZE:
        raise BadRequest(f"Say where the part begins: `{OFFSET_HEADER}: 0`.")
    return int(header)


BYTE_ROUTES: list[ByteRoute[Services]] = [
    ByteRoute(["PATCH"], "/api/v1/uploads/{upload_id}", append, described.APPEND, WRITING),
]
