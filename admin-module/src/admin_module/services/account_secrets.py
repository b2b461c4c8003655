"""The secrets of service accounts: replaced with an overlap, and warned of before they end."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module import metrics
from admin_module.adapters.account_secrets import (
    add_secret,
    end_secret,
    remove_other_secrets,
    take_ending_secrets,
    valid_secrets,
)
from admin_module.config import AccountsSettings
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.repeats import Repeatable
from admin_module.domain.secrets import EndingSecret, KeptSecret, hashed, new_secret, overlapping
from admin_module.services.account_changes import governed, require_own
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.revocations import Revocations
from artstore_kit.contracts.accounts import RotatedSecret
from artstore_kit.logs import event_logger
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class AccountSecrets:
    """Gives accounts new secrets, and tells which end soon."""

    database: Database
    audit: AuditLog
    repeats: Repeats
    revocations: Revocations
    settings: AccountsSettings
    clock: Clock

    async def rotate(
        self, client_id: str, overlap: timedelta, by: Principal, asked: Repeatable | None = None
    ) -> RotatedSecret:
        """A new secret; the old one goes on for `overlap`. When that is nothing, it ends with all tokens at once."""
        return await self.repeats.once(asked, by, RotatedSecret, partial(self._rotate, client_id, overlap, by))

    async def _rotate(
        self, client_id: str, overlap: timedelta, by: Principal, connection: AsyncConnection
    ) -> RotatedSecret:
        account, _ = await governed(connection, client_id, by)
        require_own(account)
        now = self.clock()
        old = overlapping(await valid_secrets(connection, client_id, now), now, overlap)
        answer = RotatedSecret(
            client_id=client_id,
            client_secret=new_secret(),
            secret_expires_at=now + self.settings.secret_lifetime,
            old_secret_expires_at=old.expires_at if old else None,
        )
        await self._replace(connection, old, answer)
        if not overlap:
            await self.revocations.revoke_subject(connection, client_id)
        detail = answer.model_dump(mode="json", include={"secret_expires_at", "old_secret_expires_at"})
        await self.audit.record(connection, Deed.by(by, "account.rotate_secret", f"account:{client_id}", **detail))
        return answer

    async def _replace(self, connection: AsyncConnection, old: KeptSecret | None, new: RotatedSecret) -> None:
        sha256 = hashed(new.client_secret)
        await remove_other_secrets(connection, new.client_id, old.sha256 if old else sha256)
        if old:
            await end_secret(connection, old)
        await add_secret(connection, new.client_id, sha256, self.clock(), new.secret_expires_at)

    async def warn(self) -> None:
        """Tell of each secret that ends soon: once, however many nodes do this."""
        while await self._warned_of_some():
            pass

    async def _warned_of_some(self) -> bool:
        now = self.clock()
        async with self.database.transaction() as connection:
            ending = await take_ending_secrets(connection, now + self.settings.secret_warning, now)
            await self.audit.record(connection, *map(_deed, ending))
        for secret in ending:
            event_logger().warning("secret expiring", client_id=secret.client_id, expires_at=_told(secret))
            metrics.EXPIRING.inc()
        return bool(ending)


def _deed(secret: EndingSecret) -> Deed:
    return Deed.of_service("account.secret_expiring", f"account:{secret.client_id}", expires_at=_told(secret))


def _told(secret: EndingSecret) -> str:
    return secret.expires_at.isoformat()
