"""`/revocations`: what every service asks for, again and again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.files import Moment
from artstore_kit.contracts.identity import Scope
from artstore_kit.contracts.revocations import RevocationList

router = APIRouter(prefix="/revocations", tags=["revocations"])
Given = Annotated[Services, Depends(services_of(Services))]


@router.get("", dependencies=[needs(Scope.ELEMENTS_READ)])
async def revoked(services: Given, after: Annotated[Moment | None, Query()] = None) -> RevocationList:
    """What was revoked after a moment (`as_of` of the answer before), or all that has not ended."""
    return await services.known_revocations.after(after)
