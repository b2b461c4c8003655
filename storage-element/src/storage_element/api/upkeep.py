"""How the element looks after what it keeps, and what operators may ask of it."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter

from artstore_kit.application import needs
from artstore_kit.contracts.identity import Scope
from artstore_kit.principal import Principal
from storage_element.api.files import Wired
from storage_element.domain.reconciliation import ReconcileStatus
from storage_element.domain.verification import ScrubStatus

router = APIRouter(prefix="/element", tags=["element"])
Looking = Annotated[Principal, needs(Scope.ELEMENTS_READ)]
Ordering = Annotated[Principal, needs(Scope.ELEMENTS_WRITE)]


class Order(StrEnum):
    """What work in the background is told to do."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"


@router.get("/reconcile")
async def reconcile(_: Looking, services: Wired) -> ReconcileStatus:
    """How far the comparison of attributes, content and index has come, and what the last one found."""
    return services.reconciler.status()


@router.post("/reconcile/{order}", status_code=202)
async def order_reconcile(order: Order, _: Ordering, services: Wired) -> ReconcileStatus:
    """`start` a comparison; `pause` it; `resume` it."""
    getattr(services.reconciler, order.value)()
    return services.reconciler.status()


@router.get("/scrub")
async def scrub(_: Looking, services: Wired) -> ScrubStatus:
    """How far the reading of all content has come, and what was found damaged."""
    return services.scrubber.status()


@router.post("/scrub/{order}", status_code=202)
async def order_scrub(order: Order, _: Ordering, services: Wired) -> ScrubStatus:
    """`start` a pass, which first reads again what is known to be damaged; `pause` it; `resume` it."""
    getattr(services.scrubber, order.value)()
    return services.scrubber.status()
