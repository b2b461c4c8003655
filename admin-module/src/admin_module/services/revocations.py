"""What is taken back before its time: a token, all tokens of a session or of a subject, a signing key."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters import revocations as table
from admin_module.domain.clock import Clock
from admin_module.domain.revocations import issued_at, key_revoked, session_revoked, subject_revoked, token_revoked
from artstore_kit.contracts.revocations import RevocationList
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Revocations:
    """Each is written in the transaction of whoever revokes, and who records that deed in the audit log.

    From its commit on it reaches every service within 60 s.
    """

    database: Database
    clock: Clock

    async def revoke_token(self, connection: AsyncConnection, token_id: str, expires_at: datetime) -> None:
        """Take back one token, by its `jti`; `expires_at` is its `exp`."""
        await table.write_revocations(connection, token_revoked(token_id, expires_at))

    async def revoke_session(self, connection: AsyncConnection, session_id: str) -> None:
        """Take back all tokens of a session that has ended."""
        await table.write_revocations(connection, session_revoked(session_id, self.clock()))

    async def revoke_subject(self, connection: AsyncConnection, *names: str) -> None:
        """Take back all tokens that these service accounts or administrators have.

        Tokens issued from here on are good: whoever issues them takes their `iat` from `moment_for`.
        """
        await table.write_revocations(connection, *(subject_revoked(name, self.clock()) for name in names))

    async def revoke_key(self, connection: AsyncConnection, kid: str) -> None:
        """Take back all tokens that are signed with this key."""
        await table.write_revocations(connection, key_revoked(kid, self.clock()))

    async def moment_for(self, connection: AsyncConnection, name: str) -> datetime:
        """The `iat` of a subject's token. Ask for it *before* the subject's rights are read.

        Were they read first, a token with rights that were taken back meanwhile could pass for a new one.
        """
        now = self.clock()
        return issued_at(now, await table.revoked_before(connection, name))

    async def is_revoked(self, connection: AsyncConnection, principal: Principal) -> bool:
        """Whether the token was taken back, itself or with others, as the database knows it now."""
        return await table.concerns(connection, principal)

    async def after(self, moment: datetime | None) -> RevocationList:
        """What was revoked after `moment`, or all that has not ended. Some may be told twice, and none is left out."""
        async with self.database.connect() as connection:
            return await table.revocations_after(connection, moment, self.clock())

    async def forget_ended(self) -> None:
        """Remove what concerns nothing any more."""
        async with self.database.transaction() as connection:
            await table.remove_ended(connection, self.clock())
