"""`/auth/sessions`: where one is logged in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from admin_module.api.never_kept import never_kept
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.administrators import SESSION_ID_PATTERN, SessionList
from artstore_kit.principal import Principal

router = APIRouter(prefix="/auth/sessions", tags=["sessions"], dependencies=[Depends(never_kept)])
Given = Annotated[Services, Depends(services_of(Services))]
Anybody = Annotated[Principal, needs()]
SessionId = Annotated[str, Path(pattern=SESSION_ID_PATTERN)]


@router.get("")
async def own_sessions(who: Anybody, services: Given) -> SessionList:
    """Your sessions, newest first."""
    return await services.sessions.of(who.subject)


@router.delete("/{session_id}", status_code=204)
async def end_own_session(session_id: SessionId, who: Anybody, services: Given) -> None:
    """End one of your sessions. Its access tokens are refused everywhere within 60 s."""
    await services.sessions.end(who.subject, session_id, by=who)
