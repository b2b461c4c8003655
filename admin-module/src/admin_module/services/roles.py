"""Roles: made, changed and removed by those who hold what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.roles import (
    delete_role,
    holders_of,
    holdings_with,
    insert_role,
    role_to_change,
    roles_after,
    roles_named,
    update_role,
)
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.repeats import Repeatable
from admin_module.domain.revisions import require_unchanged
from admin_module.domain.rights import held_by, require_may_give, require_power_over
from admin_module.domain.roles import BUILT_IN, changed, made, rights_of, told
from admin_module.domain.scopes import require_fits_token
from admin_module.services.audit import AuditLog
from admin_module.services.holders import rights_of_holders
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.errors import RoleBuiltin, RoleExists, RoleInUse, RoleUnknown
from artstore_kit.contracts.roles import NewRole, Role, RoleChanges
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Roles:
    """The roles of the fleet: the built-in ones, and those that administrators have made."""

    database: Database
    audit: AuditLog
    repeats: Repeats
    revocations: Revocations
    clock: Clock

    async def create(self, new: NewRole, by: Principal, asked: Repeatable | None = None) -> Role:
        """Make a role of rights that `by` holds."""
        role = made(new)
        require_may_give(held_by(by), rights_of(role))
        require_fits_token(role.grants)
        if role.name in BUILT_IN:
            raise RoleExists(f"'{role.name}' is a built-in role.")
        return await self.repeats.once(asked, by, Role, partial(self._create, role, by))

    async def _create(self, role: Role, by: Principal, connection: AsyncConnection) -> Role:
        if not await insert_role(connection, role, self.clock()):
            raise RoleExists(f"The role '{role.name}' exists.")
        await self.audit.record(connection, Deed.by(by, "role.create", f"role:{role.name}", **told(role)))
        return role

    async def change(self, name: str, changes: RoleChanges, by: Principal, if_match: str | None) -> Role:
        """Change a role, and so what each of its holders may: neither beyond what `by` holds nor against them."""
        async with self.database.transaction() as connection:
            role = await self._changeable(connection, name, by)
            require_unchanged(role.revision, if_match)
            after = changed(role, changes)
            require_may_give(held_by(by), rights_of(after))
            require_fits_token(after.grants)
            await update_role(connection, after)
            for rights in await rights_of_holders(connection, name):
                require_power_over(held_by(by), rights)
                require_fits_token(rights.grants)
            if rights_of(after) != rights_of(role):
                await self.revocations.revoke_subject(connection, *await holders_of(connection, name))
            await self.audit.record(connection, Deed.by(by, "role.change", f"role:{name}", **told(after)))
        return after

    async def remove(self, name: str, by: Principal) -> None:
        """Remove a role that nobody holds."""
        async with self.database.transaction() as connection:
            await self._changeable(connection, name, by)
            if await holdings_with(connection, name):
                raise RoleInUse
            await delete_role(connection, name)
            await self.audit.record(connection, Deed.by(by, "role.remove", f"role:{name}"))

    async def one(self, name: str) -> Role:
        """The role of this name."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        async with self.database.connect() as connection:
            found = await roles_named(connection, [name])
        if not found:
            raise RoleUnknown
        return found[0]

    async def page(self, after: str, limit: int) -> Sequence[Role]:
        """At most `limit` roles by name, built-in ones too, from the one after the name `after` on."""
        async with self.database.connect() as connection:
            custom = await roles_after(connection, after, limit)
        both = [*custom, *(role for role in BUILT_IN.values() if role.name > after)]
        return sorted(both, key=lambda role: role.name)[:limit]

    async def _changeable(self, connection: AsyncConnection, name: str, by: Principal) -> Role:
        if name in BUILT_IN:
            raise RoleBuiltin
        role = await role_to_change(connection, name)
        if role is None:
            raise RoleUnknown
        require_power_over(held_by(by), rights_of(role))
        return role
