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
from storage_element.services.expire import ExpiryStatus

router = APIRouter(prefix="/element", tags=["element"])
Looking = Annotated[Principal, needs(Scope.ELEMENTS_READ)]
Ordering = Annotated[Principal, needs(Scope.ELEMENTS_WRITE)]


class Order(StrEnum):
    """What work in the background is told to do."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"


@router.get("/expiry")
async def expiry(_: Looking, services: Wired) -> ExpiryStatus:
    """What expiry does, what it did the last time, and whether the clock is believed."""
    return services.care.expirer.status()


@router.post("/expiry/trust-clock")
async def trust_clock(_: Ordering, services: Wired) -> ExpiryStatus:
    """Say that the clock is right, after it moved by more than the time that passed."""
    await services.care.expirer.trust_clock()
    return services.care.expirer.status()


@router.get("/reconcile")
async def reconcile(_: Looking, services: Wired) -> ReconcileStatus:
    """How far the comparison of attributes, content and index has come, and what the last one found."""
    return services.care.reconciler.status()


@router.post("/reconcile/{order}", status_code=202)
async def order_reconcile(order: Order, _: Ordering, services: Wired) -> ReconcileStatus:
    """`start` a comparison; `pause` it; `resume` it."""
    getattr(services.care.reconciler, order.value)()
    return services.care.reconciler.status()


@router.get("/scrub")
async def scrub(_: Looking, services: Wired) -> ScrubStatus:
    """How far the reading of all content has come, and what was found damaged."""
    return services.care.scrubber.status()


@router.post("/scrub/{order}", status_code=202)
async def order_scrub(order: Order, _: Ordering, services: Wired) -> ScrubStatus:
    """`start` a pass, which first reads again what is known to be damaged; `pause` it; `resume` it."""
    getattr(services.care.scrubber, order.value)()
    return services.care.scrubber.status()
