"""Legal holds on files: placed, and released."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from artstore_kit.application import needs
from artstore_kit.contracts.files import FileAttributes, Hold, HoldId, HoldPlacement
from artstore_kit.contracts.identity import Action, Scope
from artstore_kit.principal import Principal
from storage_element.api.files import ApprovalOf, FileId, IfMatch, Wired
from storage_element.domain.asker import Asker
from storage_element.domain.rules import revision_tag

router = APIRouter(prefix="/files", tags=["holds"])
Holding = Annotated[Principal, needs(Scope.FILES_HOLD, grant=Action.WRITE)]
HoldInPath = Annotated[HoldId, Path()]


@router.put("/{file_id}/holds/{hold_id}", response_model=FileAttributes)
async def place(
    file_id: FileId,
    hold_id: HoldInPath,
    placement: HoldPlacement,
    who: Holding,
    services: Wired,
    *,
    if_match: IfMatch = None,
) -> Response:
    """Put a file under a legal hold: nothing removes or alters it meanwhile. The same again changes nothing."""
    asker = Asker.of(who, Action.WRITE)
    asker.allowed((await services.reader.attributes(file_id)).collection)
    hold = Hold(id=hold_id, reason=placement.reason)
    file = await services.holds.place(file_id, hold, if_match, asker)
    return Response(file.to_json(), media_type="application/json", headers={"ETag": revision_tag(file)})


@router.delete("/{file_id}/holds/{hold_id}", status_code=204)
async def release(
    file_id: FileId,
    hold_id: HoldInPath,
    who: Holding,
    services: Wired,
    *,
    if_match: IfMatch = None,
    approval: ApprovalOf = None,
) -> None:
    """Take a hold away, with an approval. Nothing happens when the file is not under it."""
    asker = Asker.of(who, Action.WRITE)
    asker.allowed((await services.reader.attributes(file_id)).collection)
    approved = services.four_eyes.releasing(file_id, hold_id, asker.origin, approval)
    await services.holds.release(file_id, hold_id, if_match, asker, approved)
