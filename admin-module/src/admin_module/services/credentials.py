"""Whether somebody is who they say: the password, a code, and a lock after repeated failures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.administrators import find_administrator
from admin_module.adapters.login_failures import count_failure, find_lock, forget_failures, sweep_failures
from admin_module.adapters.passwords import Passwords
from admin_module.adapters.tallies import SharedTallies
from admin_module.domain.administrators import Administrator
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.credentials import Credentials
from admin_module.domain.limits import Limits
from admin_module.domain.lockout import locked
from admin_module.domain.passwords import prepared
from admin_module.services.audit import AuditLog
from admin_module.services.second_factor import SecondFactor
from artstore_kit.contracts.audit import AuditOutcome
from artstore_kit.contracts.errors import (
    AccountLocked,
    AccountSuspended,
    ArtStoreError,
    BadCredentials,
    PasswordChangeRequired,
    TotpCodeWrong,
    TotpRequired,
)
from artstore_kit.contracts.identity import LOGIN_CLIENT
from artstore_kit.postgres import Database

GUESSES = (BadCredentials, AccountLocked, TotpCodeWrong)
"""What whoever guesses is told."""


@dataclass(frozen=True)
class Gate:
    """Tells those who prove who they are from those who do not.

    A name that nobody has is met with the same work, the same words and the same lock as one that somebody has. What
    is refused for another reason than the password is told only to whoever gave the right one.
    """

    database: Database
    audit: AuditLog
    passwords: Passwords
    second_factor: SecondFactor
    tallies: SharedTallies
    limits: Limits
    clock: Clock

    async def pass_through(
        self, given: Credentials, address: str, *, to_change_password: bool = False
    ) -> Administrator:
        """Who that is. A temporary password is good for changing it, and for nothing else.

        An address from which too many guesses came is `RateLimited`, whatever it sends.
        """
        async with self.guesses_counted(address):
            return await self._proved(given, address, to_change_password)

    @asynccontextmanager
    async def guesses_counted(self, address: str) -> AsyncIterator[None]:
        """Around what tells whether a guess is right: `RateLimited`, or a wrong one counts at the address."""
        self.limits.require_address_unlocked(*await self.tallies.count([self.limits.failures_at(address, add=0)]))
        try:
            yield
        except GUESSES:
            await self.tallies.count([self.limits.failures_at(address, add=1)])
            raise

    async def refusal_of_code(self, connection: AsyncConnection, username: str, *, right: bool) -> ArtStoreError | None:
        """Why a code that was shown without the password, and is `right` or wrong, does not count.

        A wrong one is a failure to log in, and a locked name is not told which it was. Raise it after the commit.
        """
        if not right:
            return await self._counted(connection, username, TotpCodeWrong())
        forgotten = await forget_failures(connection, username, self.clock())
        return None if forgotten else await self._locked(connection, username)

    async def _proved(self, given: Credentials, address: str, to_change_password: bool) -> Administrator:
        known = await self._find(given.username)
        kept, at_its_turn = known.password_hash if known else None, partial(self._require_unlocked_now, address)
        right = await self.passwords.match(kept, prepared(given.password), at_its_turn)
        async with self.database.transaction() as connection:
            refusal = await self._refusal(connection, given, known if right else None, to_change_password)
            if refusal:  # what it has changed is kept: a failure that was counted, a code that was used
                await self._record(connection, known, refusal)
        if refusal or known is None:
            raise refusal or BadCredentials
        return known

    def _require_unlocked_now(self, address: str) -> None:
        """Of guesses that wait for their turn, many at once, those beyond the limit cost no work."""
        self.limits.require_address_unlocked(*self.tallies.known_here([self.limits.failures_at(address, add=0)]))

    async def _find(self, username: str) -> Administrator | None:
        async with self.database.connect() as connection:
            if refusal := await self._locked(connection, username):
                raise refusal
            return await find_administrator(connection, username)

    async def _refusal(
        self, connection: AsyncConnection, given: Credentials, proved: Administrator | None, to_change_password: bool
    ) -> ArtStoreError | None:
        if proved is None:
            return await self._counted(connection, given.username, BadCredentials())
        # Others may have locked the name since: then the password is not told right from wrong.
        refusal = await self._locked(connection, given.username) or _state_refusal(proved, to_change_password)
        refusal = refusal or await self._code_refusal(connection, given)
        if refusal or await forget_failures(connection, given.username, self.clock()):
            return refusal
        return await self._locked(connection, given.username)

    async def _code_refusal(self, connection: AsyncConnection, given: Credentials) -> ArtStoreError | None:
        if not await self.second_factor.is_set(connection, given.username):
            return None
        if not given.code:
            return TotpRequired()
        if await self.second_factor.accepts(connection, given.username, given.code):
            return None
        return await self._counted(connection, given.username, TotpCodeWrong())

    async def _counted(
        self, connection: AsyncConnection, username: str, refusal: ArtStoreError
    ) -> ArtStoreError | None:
        now = self.clock()
        await sweep_failures(connection, now)
        counted = await count_failure(connection, username, now)
        return refusal if counted else await self._locked(connection, username)

    async def _locked(self, connection: AsyncConnection, username: str) -> AccountLocked | None:
        return locked(await find_lock(connection, username), self.clock())

    async def _record(self, connection: AsyncConnection, known: Administrator | None, refusal: ArtStoreError) -> None:
        """Under a name that somebody has; what else was typed may be a password in the wrong field."""
        resource = f"administrator:{known.username}" if known else "administrator"
        deed = Deed("administrator.login", resource, AuditOutcome.REFUSED, refusal.code, client_id=LOGIN_CLIENT)
        await self.audit.record(connection, deed)


def _state_refusal(proved: Administrator, to_change_password: bool) -> ArtStoreError | None:
    if proved.suspended:
        return AccountSuspended()
    return PasswordChangeRequired() if proved.must_change_password and not to_change_password else None
