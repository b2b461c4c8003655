"""`/elements`: storage elements register, report and are listed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path

from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.elements import (
    ELEMENT_ID_PATTERN,
    ElementList,
    ElementRegistration,
    ElementReport,
    ElementView,
)
from artstore_kit.contracts.identity import Scope
from artstore_kit.principal import Principal

router = APIRouter(prefix="/elements", tags=["elements"])
Given = Annotated[Services, Depends(services_of(Services))]
Writer = Annotated[Principal, needs(Scope.ELEMENTS_WRITE)]
Deleter = Annotated[Principal, needs(Scope.ELEMENTS_DELETE)]
ApprovalOf = Annotated[UUID | None, Header(alias=APPROVAL_HEADER, description="of a second administrator")]
ElementId = Annotated[str, Path(pattern=ELEMENT_ID_PATTERN)]


@router.put("/{element_id}")
async def register(element_id: ElementId, told: ElementRegistration, who: Writer, services: Given) -> ElementView:
    """Take an element into the list, or what it now says of itself."""
    return await services.elements.register(element_id, told, by=who)


@router.delete("/{element_id}", status_code=204)
async def remove(element_id: ElementId, who: Deleter, services: Given, approval: ApprovalOf = None) -> None:
    """Take an element out of the fleet, with the approval of a second administrator. Its files are not touched."""
    await services.element_removal.remove(element_id, approval, by=who)


@router.post("/{element_id}/readmission", status_code=204)
async def readmit(element_id: ElementId, who: Deleter, services: Given) -> None:
    """Let an element register again that was taken out."""
    await services.element_removal.readmit(element_id, by=who)


@router.post("/{element_id}/reports", status_code=204, dependencies=[needs(Scope.ELEMENTS_WRITE)])
async def report(element_id: ElementId, told: ElementReport, services: Given) -> None:
    """Keep an element's state and show it to the fleet."""
    await services.elements.report(element_id, told)


@router.get("", dependencies=[needs(Scope.ELEMENTS_READ)])
async def all_elements(services: Given) -> ElementList:
    """Every element that has ever registered; `reported_at` says when each was last heard."""
    return await services.elements.all()


@router.get("/{element_id}", dependencies=[needs(Scope.ELEMENTS_READ)])
async def one_element(element_id: ElementId, services: Given) -> ElementView:
    """One element."""
    return await services.elements.one(element_id)
