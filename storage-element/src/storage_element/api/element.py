"""The state of this element."""

from typing import Annotated

from fastapi import APIRouter

from artstore_kit.application import needs
from artstore_kit.contracts.elements import ElementState
from artstore_kit.contracts.identity import Scope
from artstore_kit.principal import Principal
from storage_element.api.files import Wired

router = APIRouter(prefix="/element", tags=["element"])


@router.get("")
async def state(_: Annotated[Principal, needs(Scope.ELEMENTS_READ)], services: Wired) -> ElementState:
    """Mode, epoch, room and health; from a follower what it knows itself, and who the master is."""
    return await services.state()
