"""`/administrators`: the people who may log in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from admin_module.api.cursors import cursor_after, name_in
from admin_module.api.never_kept import never_kept
from admin_module.api.repeatable import Asked
from admin_module.domain.administrators import Wanted
from admin_module.domain.revisions import revision_tag
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.administrators import (
    SESSION_ID_PATTERN,
    AdministratorChanges,
    AdministratorView,
    CreatedAdministrator,
    NewAdministrator,
    SessionList,
    TemporaryPassword,
)
from artstore_kit.contracts.identity import CLIENT_ID_PATTERN, ROLE_NAME_PATTERN, Scope
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from artstore_kit.principal import Principal

router = APIRouter(prefix="/administrators", tags=["administrators"])
Given = Annotated[Services, Depends(services_of(Services))]
Writer = Annotated[Principal, needs(Scope.ADMINISTRATORS_WRITE)]
Name = Annotated[str, Path(pattern=CLIENT_ID_PATTERN)]
SessionId = Annotated[str, Path(pattern=SESSION_ID_PATTERN)]
_READER = needs(Scope.ADMINISTRATORS_READ)
_SHOWN_ONCE = [Depends(never_kept)]


def _wanted(
    role: Annotated[str | None, Query(pattern=ROLE_NAME_PATTERN)] = None,
    suspended: bool | None = None,
    text: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$", description="in name or address")] = "",
) -> Wanted:
    return Wanted(role, suspended, text)


@router.post("", status_code=201, dependencies=_SHOWN_ONCE)
async def create_administrator(
    new: NewAdministrator, who: Writer, asked: Asked, services: Given, response: Response
) -> CreatedAdministrator:
    """Make an administrator. The password is temporary; one that was made up is shown in this answer only."""
    made = await services.administrators.create(new, by=who, asked=asked)
    response.headers["Location"] = f"/api/v1/administrators/{made.username}"
    return _answered(made, response)


@router.get("", dependencies=[_READER])
async def administrators_page(
    services: Given,
    wanted: Annotated[Wanted, Depends(_wanted)],
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str = "",
) -> Page[AdministratorView]:
    """Administrators by name."""
    found = await services.administrators.page(wanted, name_in(cursor), limit)
    return Page(items=list(found), next_cursor=cursor_after([each.username for each in found], limit))


@router.get("/{username}", dependencies=[_READER])
async def one_administrator(username: Name, services: Given, response: Response) -> AdministratorView:
    """One administrator; the ETag is the revision."""
    return _answered(await services.administrators.one(username), response)


@router.patch("/{username}")
async def change_administrator(
    username: Name,
    changes: AdministratorChanges,
    *,
    who: Writer,
    services: Given,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> AdministratorView:
    """Set what is named; `If-Match: "r<revision>"` guards against a change in between.

    You can give no right that you do not hold, nor change who holds more than you.
    """
    return _answered(await services.administrators.change(username, changes, by=who, if_match=if_match), response)


@router.delete("/{username}", status_code=204)
async def remove_administrator(username: Name, who: Writer, services: Given) -> None:
    """Remove an administrator: not yourself, and not the last super_admin."""
    await services.administrators.remove(username, by=who)


@router.post("/{username}/suspend", status_code=204)
async def suspend_administrator(username: Name, who: Writer, services: Given) -> None:
    """Let nobody in under this name, and end all its sessions."""
    await services.administrators.suspend(username, by=who)


@router.post("/{username}/activate", status_code=204)
async def activate_administrator(username: Name, who: Writer, services: Given) -> None:
    """End a suspension."""
    await services.administrators.activate(username, by=who)


@router.post("/{username}/unlock", status_code=204)
async def unlock_administrator(username: Name, who: Writer, services: Given) -> None:
    """End the lock that repeated failures have set."""
    await services.administrators.unlock(username, by=who)


@router.post("/{username}/reset-password", dependencies=_SHOWN_ONCE)
async def reset_password(username: Name, who: Writer, asked: Asked, services: Given) -> TemporaryPassword:
    """A temporary password, shown in this answer only; all sessions end."""
    return await services.administrators.reset_password(username, by=who, asked=asked)


@router.post("/{username}/reset-totp", status_code=204)
async def reset_totp(username: Name, who: Writer, services: Given) -> None:
    """Take away the second factor of somebody who has lost it; all sessions end."""
    await services.administrators.reset_totp(username, by=who)


@router.get("/{username}/sessions", dependencies=[_READER])
async def sessions_of(username: Name, services: Given) -> SessionList:
    """Where somebody is logged in."""
    await services.administrators.one(username)
    return await services.sessions.of(username)


@router.delete("/{username}/sessions", status_code=204)
async def end_sessions_of(username: Name, who: Writer, services: Given) -> None:
    """Log somebody out everywhere; access tokens are refused within 60 s."""
    await services.administrators.end_sessions(username, by=who)


@router.delete("/{username}/sessions/{session_id}", status_code=204)
async def end_session_of(username: Name, session_id: SessionId, who: Writer, services: Given) -> None:
    """Log somebody out at one device."""
    await services.administrators.end_session(username, session_id, by=who)


def _answered[View: AdministratorView](shown: View, response: Response) -> View:
    response.headers["ETag"] = revision_tag(shown.revision)
    return shown
