"""Administrators: made, changed, suspended and removed by those who hold what they hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters import name_lock
from admin_module.adapters.accounts import find_account
from admin_module.adapters.administrators import (
    delete_administrator,
    find_administrator,
    insert_administrator,
    super_admins,
    update_administrator,
    view_of,
    views_after,
)
from admin_module.adapters.login_failures import unlock
from admin_module.adapters.passwords import Passwords
from admin_module.adapters.second_factors import remove_factor
from admin_module.domain.administrators import Administrator, Wanted, require_one_remains
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.passwords import prepared, require_good, temporary_password
from admin_module.domain.repeats import Repeatable
from admin_module.domain.revisions import require_unchanged
from admin_module.domain.rights import held_by, require_may_give, require_power_over
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights, rights_kept
from admin_module.services.sessions import Sessions
from artstore_kit.contracts.administrators import (
    AdministratorChanges,
    AdministratorView,
    CreatedAdministrator,
    NewAdministrator,
    TemporaryPassword,
)
from artstore_kit.contracts.errors import AccountExists, AdministratorUnknown, OwnAccount, TotpNotEnabled
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Administrators:
    """The people who may log in. Whatever takes something from one of them ends their sessions and tokens."""

    database: Database
    audit: AuditLog
    repeats: Repeats
    passwords: Passwords
    sessions: Sessions
    revocations: Revocations
    clock: Clock

    async def create(
        self, new: NewAdministrator, by: Principal, asked: Repeatable | None = None
    ) -> CreatedAdministrator:
        """Make an administrator whose first password is temporary; who makes it up is told it in this answer."""
        made_up = None if new.password else temporary_password()
        password = new.password.get_secret_value() if new.password else made_up or ""
        someone = Administrator(
            new.username, "", tuple(sorted(new.roles)), new.display_name, new.email, must_change_password=True
        )
        someone = replace(someone, password_hash=await self._hashed(password, someone))
        return await self.repeats.once(asked, by, CreatedAdministrator, partial(self._create, someone, made_up, by))

    async def _create(
        self, someone: Administrator, made_up: str | None, by: Principal, connection: AsyncConnection
    ) -> CreatedAdministrator:
        require_may_give(held_by(by), await rights_kept(connection, someone.roles))
        # A name stands for one subject: a person must not be mistaken for a program (RFC 9068 section 5).
        await name_lock.take(connection, someone.username)
        taken = await find_account(connection, someone.username)
        if taken or not await insert_administrator(connection, someone, self.clock()):
            raise AccountExists(f"The name '{someone.username}' is taken.")
        shown = await self._shown(connection, someone.username)
        await self._record(connection, by, "administrator.create", someone, **someone.told())
        return CreatedAdministrator(**dict(shown), temporary_password=made_up)

    async def one(self, username: str) -> AdministratorView:
        """The administrator of this name."""
        async with self.database.connect() as connection:
            return await self._shown(connection, username)

    async def page(self, wanted: Wanted, after: str, limit: int) -> Sequence[AdministratorView]:
        """At most `limit` of those that are wanted by name, from the one after the name `after` on."""
        async with self.database.connect() as connection:
            return await views_after(connection, wanted, after, limit, self.clock())

    async def change(
        self, username: str, changes: AdministratorChanges, by: Principal, if_match: str | None = None
    ) -> AdministratorView:
        """Set what is named. With other roles the tokens of the former ones are refused; sessions go on."""
        async with self.database.transaction() as connection:
            before, mighty = await self._changeable(connection, username, by)
            require_unchanged(before.revision, if_match)
            after = before.with_changes(**_set(changes))
            require_one_remains(mighty, before, after)
            if after.roles != before.roles:
                require_may_give(held_by(by), await rights_kept(connection, after.roles))
                await self.revocations.revoke_subject(connection, username)
            await update_administrator(connection, after)
            shown = await self._shown(connection, username)
            await self._record(connection, by, "administrator.change", after, **after.told())
        return shown

    async def suspend(self, username: str, by: Principal) -> None:
        """Let nobody in under this name, until it is activated again."""
        async with self.database.transaction() as connection:
            before, mighty = await self._changeable_other(connection, username, by)
            after = before.with_changes(suspended=True)
            require_one_remains(mighty, before, after)
            await update_administrator(connection, after)
            await self._shut_out(connection, username)
            await self._record(connection, by, "administrator.suspend", after)

    async def activate(self, username: str, by: Principal) -> None:
        """End a suspension."""
        async with self.database.transaction() as connection:
            before, _ = await self._changeable_other(connection, username, by)
            await update_administrator(connection, before.with_changes(suspended=False))
            await self._record(connection, by, "administrator.activate", before)

    async def remove(self, username: str, by: Principal) -> None:
        """Remove an administrator for good."""
        async with self.database.transaction() as connection:
            before, mighty = await self._changeable_other(connection, username, by)
            require_one_remains(mighty, before, None)
            await self._shut_out(connection, username)
            await delete_administrator(connection, username)
            await self._record(connection, by, "administrator.remove", before)

    async def unlock(self, username: str, by: Principal) -> None:
        """Forget the failures to log in."""
        async with self.database.transaction() as connection:
            someone, _ = await self._changeable(connection, username, by)
            await unlock(connection, username)
            await self._record(connection, by, "administrator.unlock", someone)

    async def reset_password(self, username: str, by: Principal, asked: Repeatable | None = None) -> TemporaryPassword:
        """A temporary password in the place of one that was forgotten; it is shown in the answer."""
        password = temporary_password()
        password_hash = await self.passwords.hashed(prepared(password))

        async def reset(connection: AsyncConnection) -> TemporaryPassword:
            before, _ = await self._changeable_other(connection, username, by)
            after = before.with_changes(password_hash=password_hash, must_change_password=True)
            await update_administrator(connection, after)
            await self._shut_out(connection, username)
            await self._record(connection, by, "administrator.reset_password", after)
            return TemporaryPassword(temporary_password=password)

        return await self.repeats.once(asked, by, TemporaryPassword, reset)

    async def reset_totp(self, username: str, by: Principal) -> None:
        """Take away the second factor of somebody who has lost app and recovery codes; all sessions end."""
        async with self.database.transaction() as connection:
            someone, _ = await self._changeable_other(connection, username, by)
            if not await remove_factor(connection, username):
                raise TotpNotEnabled
            await self._shut_out(connection, username)
            await self._record(connection, by, "administrator.reset_totp", someone)

    async def end_sessions(self, username: str, by: Principal) -> None:
        """Log somebody out everywhere."""
        async with self.database.transaction() as connection:
            someone, _ = await self._changeable(connection, username, by)
            ended = await self.sessions.end_all(connection, username)
            await self._record(connection, by, "administrator.end_sessions", someone, sessions_ended=ended)

    async def end_session(self, username: str, session_id: str, by: Principal) -> None:
        """Log somebody out at one device."""
        async with self.database.transaction() as connection:
            await self._changeable(connection, username, by)
            await self.sessions.end_one(connection, username, session_id, by)

    async def _changeable(
        self, connection: AsyncConnection, username: str, by: Principal
    ) -> tuple[Administrator, Sequence[str]]:
        """Somebody who holds no more than `by`, and all who may do everything; nobody else changes them meanwhile."""
        mighty = await super_admins(connection)
        someone = await find_administrator(connection, username, unchanged=True)
        if someone is None:
            raise AdministratorUnknown
        require_power_over(held_by(by), await effective_rights(connection, someone.roles))
        return someone, mighty

    async def _changeable_other(
        self, connection: AsyncConnection, username: str, by: Principal
    ) -> tuple[Administrator, Sequence[str]]:
        if username == by.on_whose_behalf:
            raise OwnAccount
        return await self._changeable(connection, username, by)

    async def _hashed(self, password: str, someone: Administrator) -> str:
        await asyncio.to_thread(require_good, prepared(password), someone.names)
        return await self.passwords.hashed(prepared(password))

    async def _shut_out(self, connection: AsyncConnection, username: str) -> None:
        await self.sessions.end_all(connection, username)
        await self.revocations.revoke_subject(connection, username)

    async def _shown(self, connection: AsyncConnection, username: str) -> AdministratorView:
        shown = await view_of(connection, username, self.clock())
        if shown is None:
            raise AdministratorUnknown
        return shown

    async def _record(
        self, connection: AsyncConnection, by: Principal, action: str, someone: Administrator, **detail: JsonValue
    ) -> None:
        deed = Deed.by(by, action, f"administrator:{someone.username}", **detail)
        await self.audit.record(connection, deed)


def _set(changes: AdministratorChanges) -> dict[str, Any]:
    """What is named; `null` stands for what is left out."""
    named = changes.model_dump(exclude_none=True)
    return named | ({"roles": tuple(sorted(named["roles"]))} if "roles" in named else {})
