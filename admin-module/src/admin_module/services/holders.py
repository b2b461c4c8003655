"""What everybody who holds a role may."""

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.roles import holdings_with, roles_named
from admin_module.domain.rights import Rights
from admin_module.domain.roles import BUILT_IN, rights_of


async def rights_of_holders(connection: AsyncConnection, role: str) -> list[Rights]:
    """The rights of all accounts and administrators with this role; those who may the same are one."""
    holdings = await holdings_with(connection, role)
    names = {name for holding in holdings for name in holding.roles} - set(BUILT_IN)
    known = dict(BUILT_IN) | {each.name: each for each in await roles_named(connection, names)}
    return [each.own.with_all(rights_of(known[name]) for name in each.roles if name in known) for each in holdings]
