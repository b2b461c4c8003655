"""`/roles`: named sets of rights."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from admin_module.api.cursors import cursor_after, name_in
from admin_module.api.repeatable import Asked
from admin_module.domain.revisions import revision_tag
from admin_module.factory import Services
from artstore_kit.application import needs, services_of
from artstore_kit.contracts.identity import ROLE_NAME_PATTERN, Scope
from artstore_kit.contracts.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from artstore_kit.contracts.roles import NewRole, Role, RoleChanges
from artstore_kit.principal import Principal

router = APIRouter(prefix="/roles", tags=["roles"])
Given = Annotated[Services, Depends(services_of(Services))]
Writer = Annotated[Principal, needs(Scope.ROLES_WRITE)]
Name = Annotated[str, Path(pattern=ROLE_NAME_PATTERN)]


@router.post("", status_code=201)
async def create(new: NewRole, who: Writer, asked: Asked, services: Given, response: Response) -> Role:
    """Make a role; you can put no right into it that you do not hold."""
    role = await services.roles.create(new, by=who, asked=asked)
    response.headers.update({"Location": f"/api/v1/roles/{role.name}", "ETag": revision_tag(role.revision)})
    return role


@router.get("", dependencies=[needs(Scope.ROLES_READ)])
async def page(
    services: Given,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str = "",
) -> Page[Role]:
    """Roles by name, the built-in ones too."""
    roles = await services.roles.page(name_in(cursor), limit)
    return Page(items=roles, next_cursor=cursor_after([role.name for role in roles], limit))


@router.get("/{name}", dependencies=[needs(Scope.ROLES_READ)])
async def one(name: Name, services: Given, response: Response) -> Role:
    """One role; its ETag is the revision."""
    role = await services.roles.one(name)
    response.headers["ETag"] = revision_tag(role.revision)
    return role


@router.patch("/{name}")
async def change(
    name: Name,
    changes: RoleChanges,
    *,
    who: Writer,
    services: Given,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> Role:
    """Set what is named; `If-Match: "r<revision>"` guards against a change in between."""
    role = await services.roles.change(name, changes, by=who, if_match=if_match)
    response.headers["ETag"] = revision_tag(role.revision)
    return role


@router.delete("/{name}", status_code=204)
async def remove(name: Name, who: Writer, services: Given) -> None:
    """Remove a role that nobody holds."""
    await services.roles.remove(name, by=who)
