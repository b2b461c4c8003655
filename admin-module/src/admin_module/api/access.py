"""`/access`: may somebody do something, and why."""

from typing import Annotated

from fastapi import APIRouter, Depends

from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.access import AccessAnswer, AccessQuestion
from artstore_kit.principal import Principal

router = APIRouter(prefix="/access", tags=["access"])


@router.post("/explain")
async def explain(
    question: AccessQuestion,
    who: Annotated[Principal, needs()],
    services: Annotated[Services, Depends(services_of(Services))],
) -> AccessAnswer:
    """Each reason for and against; about others with `accounts:read`."""
    return await services.access.explain(question, by=who)
