"""Letting people in, and letting them change their passwords."""

import asyncio
from dataclasses import dataclass

from admin_module import metrics
from admin_module.adapters.administrators import set_password
from admin_module.adapters.passwords import Passwords
from admin_module.domain.administrators import Administrator
from admin_module.domain.audit import Deed
from admin_module.domain.credentials import Credentials
from admin_module.domain.passwords import prepared, require_good
from admin_module.domain.sessions import Caller
from admin_module.services.audit import AuditLog
from admin_module.services.credentials import Gate
from admin_module.services.sessions import KIND, Sessions
from artstore_kit.contracts.administrators import LoginAnswer
from artstore_kit.contracts.errors import BadCredentials, WeakPassword
from artstore_kit.contracts.identity import LOGIN_CLIENT
from artstore_kit.postgres import Database


@dataclass(frozen=True)
class Login:
    """The door."""

    database: Database
    audit: AuditLog
    gate: Gate
    passwords: Passwords
    sessions: Sessions

    async def enter(self, given: Credentials, caller: Caller) -> LoginAnswer:
        """A session for whoever these credentials are of."""
        with metrics.refusals_counted(KIND):
            who = await self.gate.pass_through(given, caller.address)
            return await self.sessions.begin(who, caller)

    async def change_password(self, given: Credentials, password: str, caller: Caller, refresh_token: str = "") -> None:
        """Replace one's own password; all sessions end but the one that has this refresh token."""
        with metrics.refusals_counted(KIND):
            who = await self.gate.pass_through(given, caller.address, to_change_password=True)
        password_hash = await self._hashed(prepared(password), who, other_than=prepared(given.password))
        async with self.database.transaction() as connection:
            if not await set_password(connection, who, password_hash, must_change=False):
                raise BadCredentials
            ended = await self.sessions.end_all(connection, who.username, but=refresh_token)
            await self.audit.record(connection, _changed(who, ended))

    async def _hashed(self, password: str, who: Administrator, other_than: str) -> str:
        if password == other_than:
            raise WeakPassword("The new password is the old one.")
        await asyncio.to_thread(require_good, password, who.names)
        return await self.passwords.hashed(password)


def _changed(who: Administrator, ended: int) -> Deed:
    resource, detail = f"administrator:{who.username}", {"sessions_ended": ended}
    return Deed("administrator.change_password", resource, detail=detail, actor=who.username, client_id=LOGIN_CLIENT)
