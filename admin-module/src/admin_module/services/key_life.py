"""The life of signing keys: made and published ahead, in turn, revoked in an emergency, and let go."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.signing_keys import (
    all_keys,
    insert_key,
    let_private_halves_go,
    mark_key_revoked,
    remove_keys,
    retire_key,
    start_key,
    take_keys_lock,
)
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.key_turns import Due, Turns, due, kid_of
from admin_module.domain.signing_keys import SigningKey, current, upcoming
from admin_module.services.audit import AuditLog
from admin_module.services.keyring import Keyring
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.errors import KeyUnknown
from artstore_kit.logs import event_logger
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class KeyLife:
    """Any node may do any of this at any time: a lock puts them in a row, and the table says what is left to do."""

    database: Database
    audit: AuditLog
    sealed_keys: SealedKeys
    keyring: Keyring
    revocations: Revocations
    turns: Turns
    clock: Clock

    async def keep_up(self) -> None:
        """Do what time has brought."""
        async with self.database.connect() as connection:
            if not due(await all_keys(connection), self.clock()):
                return
        async with self.database.transaction() as connection:
            await take_keys_lock(connection)
            await self.audit.record(connection, *await self._carry_out(connection))
        await self.keyring.read_again()

    async def rotate(self, by: Principal) -> Sequence[SigningKey]:
        """Let the next key sign, as soon as every service knows it; all keys as they are then."""
        async with self.database.transaction() as connection:
            await take_keys_lock(connection)
            deeds = await self._carry_out(connection)
            now = self.clock()
            following = upcoming(await all_keys(connection), now)
            assert following is not None, "one was made if there was none"
            not_before = self.turns.at_once(following, now)
            await start_key(connection, following.kid, not_before)
            deeds += await self._carry_out(connection)
            rotated = Deed.by(by, "key.rotate", f"key:{following.kid}", signs_from=not_before.isoformat())
            await self.audit.record(connection, *deeds, rotated)
        return await self._read_again()

    async def revoke(self, kid: str, by: Principal) -> Sequence[SigningKey]:
        """Take back all that the key has signed. If it is the current one the next signs at once.

        `KeyUnknown` when there is no such key; one that is revoked stays so.
        """
        async with self.database.transaction() as connection:
            await take_keys_lock(connection)
            key, now = kid_of(await all_keys(connection), kid), self.clock()
            if key is None:
                raise KeyUnknown
            if key.revoked_at is None:
                await mark_key_revoked(connection, kid, now)
                await self.revocations.revoke_key(connection, kid)
                await self._replace(connection, now)
                deeds = await self._carry_out(connection)
                await self.audit.record(connection, Deed.by(by, "key.revoke", f"key:{kid}"), *deeds)
        return await self._read_again()

    async def all(self) -> Sequence[SigningKey]:
        """Every key that has not been removed, in the order in which they sign."""
        async with self.database.connect() as connection:
            return await all_keys(connection)

    async def _replace(self, connection: AsyncConnection, now: datetime) -> None:
        """Without a key that signs, the next one does: services that do not know it yet will ask for it."""
        keys = await all_keys(connection)
        following = upcoming(keys, now)
        if current(keys, now) is None and following is not None:
            await start_key(connection, following.kid, now)

    async def _carry_out(self, connection: AsyncConnection) -> list[Deed]:
        """All that is due, with the lock held; private halves go before the keys themselves do."""
        deeds: list[Deed] = []
        now = self.clock()
        if due(await all_keys(connection), now).first:
            deeds += await self._make(connection, now)
        keys = await all_keys(connection)
        signer = current(keys, now)
        assert signer is not None, "it was made if there was none"
        what = due(keys, now)
        if what.following:
            deeds += await self._make(connection, self.turns.after(signer, now))
        return deeds + await self._end(connection, what, signer)

    async def _make(self, connection: AsyncConnection, not_before: datetime) -> list[Deed]:
        public_jwk, sealed = await asyncio.to_thread(self.sealed_keys.generate)
        kid = public_jwk["kid"]
        # Published from when others can see it, not from when its making began.
        await insert_key(connection, SigningKey(kid, public_jwk, sealed, self.clock(), not_before))
        event_logger().info("signing key made", kid=kid, not_before=not_before.isoformat())
        return [Deed.of_service("key.create", f"key:{kid}", signs_from=not_before.isoformat())]

    async def _end(self, connection: AsyncConnection, what: Due, signer: SigningKey) -> list[Deed]:
        for key in what.retired:
            await retire_key(connection, key.kid, signer.not_before)
        await let_private_halves_go(connection, [key.kid for key in what.let_go])
        await remove_keys(connection, [key.kid for key in what.over if not key.sealed_private_key])
        retired = [Deed.of_service("key.retire", f"key:{key.kid}") for key in what.retired]
        removed = [Deed.of_service("key.remove", f"key:{key.kid}") for key in what.over if not key.sealed_private_key]
        return retired + removed

    async def _read_again(self) -> Sequence[SigningKey]:
        await self.keyring.read_again()
        return await self.all()
