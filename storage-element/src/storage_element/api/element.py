"""The state of this element."""

from typing import Annotated

from fastapi import APIRouter

from artstore_kit.application import needs
from artstore_kit.contracts.elements import ElementReport
from artstore_kit.contracts.identity import Scope
from artstore_kit.principal import Principal
from storage_element.api.files import Wired

router = APIRouter(prefix="/element", tags=["element"])


@router.get("")
async def state(_: Annotated[Principal, needs(Scope.ELEMENTS_READ)], services: Wired) -> ElementReport:
    """Mode, epoch, room and health, as the admin module is told them."""
    return await services.reporter.report()
