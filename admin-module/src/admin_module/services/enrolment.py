"""Setting up a second factor, and taking it away."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.second_factors import confirm_factor, remove_factor, replace_recovery_codes, write_factor
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.credentials import Credentials
from admin_module.domain.totp import in_base32, new_recovery_codes, new_totp_secret, otpauth_uri, recovery_hash
from admin_module.services.audit import AuditLog
from admin_module.services.credentials import Gate
from admin_module.services.second_factor import SecondFactor
from artstore_kit.contracts.administrators import RecoveryCodes, TotpSecret
from artstore_kit.contracts.errors import ArtStoreError, TotpCodeWrong, TotpEnabled, TotpNotEnabled
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Enrolment:
    """Each step but the confirmation is proved by the password, so that a token that was stolen sets up nothing and
    takes nothing away. The code that confirms is guarded like one at login.
    """

    database: Database
    audit: AuditLog
    gate: Gate
    second_factor: SecondFactor
    clock: Clock

    async def begin(self, given: Credentials, address: str, by: Principal) -> TotpSecret:
        """A secret for an app. It counts when a code of the app has confirmed it; until then it may be begun anew."""
        who = await self.gate.pass_through(given, address)
        secret = new_totp_secret()
        async with self.database.transaction() as connection:
            sealed = self.second_factor.sealed_keys.seal(who.username, secret)
            if not await write_factor(connection, who.username, sealed):
                raise TotpEnabled
            await self._record(connection, by, "administrator.begin_totp")
        return TotpSecret(secret=in_base32(secret), otpauth_uri=otpauth_uri(who.username, secret))

    async def confirm(self, code: str, address: str, by: Principal) -> RecoveryCodes:
        """From now on a code is asked for. The recovery codes are in this answer and nowhere else.

        A wrong code counts as a failure to log in. Of a factor that is confirmed no code is looked at.
        """
        async with self.gate.guesses_counted(address):
            async with self.database.transaction() as connection:
                answer = await self._confirmed(connection, code, by)
            if isinstance(answer, ArtStoreError):  # what it has changed is kept: a failure that was counted
                raise answer
        return answer

    async def _confirmed(self, connection: AsyncConnection, code: str, by: Principal) -> RecoveryCodes | ArtStoreError:
        if await self.second_factor.is_set(connection, by.subject, unchanged=True):
            return TotpEnabled()
        step = await self.second_factor.step_of(connection, by.subject, code)
        if refusal := await self.gate.refusal_of_code(connection, by.subject, right=step is not None):
            return refusal
        if step is None or not await confirm_factor(connection, by.subject, step, self.clock()):
            return TotpCodeWrong()
        codes = await self._new_codes(connection, by.subject)
        await self._record(connection, by, "administrator.enable_totp")
        return codes

    async def renew_codes(self, given: Credentials, address: str, by: Principal) -> RecoveryCodes:
        """New recovery codes in the place of all former ones."""
        await self.gate.pass_through(given, address)
        async with self.database.transaction() as connection:
            if not await self.second_factor.is_set(connection, by.subject, unchanged=True):
                raise TotpNotEnabled
            codes = await self._new_codes(connection, by.subject)
            await self._record(connection, by, "administrator.renew_recovery_codes")
        return codes

    async def disable(self, given: Credentials, address: str, by: Principal) -> None:
        """From now on the password is enough."""
        await self.gate.pass_through(given, address)
        async with self.database.transaction() as connection:
            if not await remove_factor(connection, by.subject):
                raise TotpNotEnabled
            await self._record(connection, by, "administrator.disable_totp")

    async def _new_codes(self, connection: AsyncConnection, username: str) -> RecoveryCodes:
        codes = new_recovery_codes()
        await replace_recovery_codes(connection, username, map(recovery_hash, codes))
        return RecoveryCodes(recovery_codes=codes)

    async def _record(self, connection: AsyncConnection, by: Principal, action: str) -> None:
        await self.audit.record(connection, Deed.by(by, action, f"administrator:{by.subject}"))
