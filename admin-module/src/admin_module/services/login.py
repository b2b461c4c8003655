"""Tokens for people: a name and a password, and a lock after repeated failures."""

from dataclasses import dataclass

from admin_module import metrics
from admin_module.adapters.administrators import count_failure, count_success, find_administrator
from admin_module.adapters.passwords import Passwords
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.lockout import Administrator, require_not_locked
from admin_module.domain.subjects import LOGIN_CLIENT, administrator
from admin_module.services.audit import AuditLog
from admin_module.services.keyring import Keyring
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights
from admin_module.services.tokens import issued
from artstore_kit.contracts.errors import BadCredentials
from artstore_kit.contracts.identity import TokenAnswer
from artstore_kit.postgres import Database

KIND = "administrator"


@dataclass(frozen=True)
class Login:
    """Lets administrators in."""

    database: Database
    audit: AuditLog
    keyring: Keyring
    passwords: Passwords
    revocations: Revocations
    clock: Clock

    async def enter(self, username: str, password: str) -> TokenAnswer:
        """A token with what their roles give. `BadCredentials`, after the same work, for a wrong name or password."""
        async with self.database.connect() as connection:
            moment = await self.revocations.moment_for(connection, username)
        with metrics.refusals_counted(KIND):
            person = await self._authenticated(username, password)
        async with self.database.connect() as connection:
            rights = await effective_rights(connection, person.roles)
        return await issued(self.keyring, KIND, administrator(username, person.roles, rights), moment)

    async def _authenticated(self, username: str, password: str) -> Administrator:
        known = await self._find(username)
        right = await self.passwords.match(known.password_hash if known else None, password)
        if known is not None:
            await self._count(username, right)
        if not right or known is None:
            raise BadCredentials
        return known

    async def _find(self, username: str) -> Administrator | None:
        async with self.database.connect() as connection:
            known = await find_administrator(connection, username)
        if known is not None:
            require_not_locked(known.locked_until, self.clock())
        return known

    async def _count(self, username: str, right: bool) -> None:
        """Others may have locked the account since: then the password is not told right from wrong."""
        now = self.clock()
        async with self.database.transaction() as connection:
            counted = await (count_success if right else count_failure)(connection, username, now)
            if not counted and (known := await find_administrator(connection, username)):
                require_not_locked(known.locked_until, now)
            if right:
                deed = Deed("administrator.login", f"administrator:{username}", actor=username, client_id=LOGIN_CLIENT)
                await self.audit.record(connection, deed)
