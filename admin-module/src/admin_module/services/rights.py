"""What a subject may: its own rights and those of its roles."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.roles import roles_kept, roles_named
from admin_module.domain.rights import NOTHING, Rights
from admin_module.domain.roles import BUILT_IN, rights_of
from admin_module.domain.scopes import require_fits_token
from artstore_kit.contracts.errors import FieldProblem, InvalidFields
from artstore_kit.contracts.identity import NewServiceAccount, ServiceAccount
from artstore_kit.contracts.roles import Role


async def effective_rights(connection: AsyncConnection, roles: Collection[str], own: Rights = NOTHING) -> Rights:
    """`own` and what `roles` give; a role that is not there gives nothing."""
    return own.with_all(map(rights_of, await roles_held(connection, roles)))


async def roles_held(connection: AsyncConnection, roles: Collection[str]) -> list[Role]:
    """The roles of these names, the built-in ones first."""
    custom = sorted(set(roles) - set(BUILT_IN))
    return [*_built_in(roles), *(await roles_named(connection, custom) if custom else ())]


async def rights_kept(connection: AsyncConnection, roles: Collection[str], own: Rights = NOTHING) -> Rights:
    """`effective_rights`, for a subject that is being changed: until the transaction ends no role of it changes.

    `InvalidFields` when a role is not there, or when all of it makes tokens too long to send.
    """
    custom = sorted(set(roles) - set(BUILT_IN))
    there = await roles_kept(connection, custom) if custom else []
    _require_all(custom, {role.name for role in there})
    rights = own.with_all(map(rights_of, [*_built_in(roles), *there]))
    require_fits_token(rights.grants)
    return rights


def own_rights(account: ServiceAccount | NewServiceAccount) -> Rights:
    """What the account holds beside its roles."""
    return Rights(frozenset(scope.value for scope in account.scopes), tuple(account.grants))


def _built_in(roles: Collection[str]) -> list[Role]:
    return [BUILT_IN[name] for name in sorted(roles) if name in BUILT_IN]


def _require_all(wanted: Collection[str], there: Collection[str]) -> None:
    if missing := sorted(set(wanted) - set(there)):
        detail = f"There is no role {', '.join(missing)}."
        raise InvalidFields(detail, errors=[FieldProblem(field="roles", message=detail)])
