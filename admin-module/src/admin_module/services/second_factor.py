"""Whether a code is the second factor of a person; each code counts once."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.second_factors import find_factor, use_recovery_code, use_step
from admin_module.domain.clock import Clock
from admin_module.domain.totp import is_totp_code, matching_step, recovery_hash


@dataclass(frozen=True)
class SecondFactor:
    """Codes of authenticator apps, and recovery codes."""

    sealed_keys: SealedKeys
    clock: Clock

    async def is_set(self, connection: AsyncConnection, username: str, *, unchanged: bool = False) -> bool:
        """Whether this person has to give a code; `unchanged`: until the transaction ends."""
        factor = await find_factor(connection, username, unchanged=unchanged)
        return factor is not None and factor.confirmed_at is not None

    async def accepts(self, connection: AsyncConnection, username: str, code: str) -> bool:
        """Use a code, in the caller's transaction."""
        if not is_totp_code(code):
            return await use_recovery_code(connection, username, recovery_hash(code))
        step = await self.step_of(connection, username, code)
        return step is not None and await use_step(connection, username, step)

    async def step_of(self, connection: AsyncConnection, username: str, code: str) -> int | None:
        """The period whose code this is; None for a wrong one, and for whoever has no secret."""
        factor = await find_factor(connection, username)
        if factor is None:
            return None
        secret = self.sealed_keys.unseal(username, factor.sealed_secret)
        return matching_step(secret, code, self.clock())
