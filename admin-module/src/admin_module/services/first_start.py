"""What an empty database is furnished with: an administrator, the fleet's own accounts, a signing key."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters import first_start_lock
from admin_module.adapters.account_secrets import add_secret, remove_other_secrets
from admin_module.adapters.accounts import account_to_change, insert_account, update_account
from admin_module.adapters.administrators import any_administrator, find_administrator, insert_administrator
from admin_module.adapters.passwords import Passwords
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.signing_keys import all_keys, insert_key
from admin_module.config import BootstrapSettings, FleetAccount
from admin_module.domain.accounts import account_of, changed, told
from admin_module.domain.administrators import Administrator
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.passwords import prepared
from admin_module.domain.rights import Rights
from admin_module.domain.roles import SUPER_ADMIN
from admin_module.domain.secrets import hashed
from admin_module.domain.signing_keys import SigningKey, current
from admin_module.services.audit import AuditLog
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights, own_rights, rights_kept
from artstore_kit.contracts.accounts import AccountChanges
from artstore_kit.contracts.identity import ServiceAccount
from artstore_kit.logs import event_logger
from artstore_kit.migrate import pending
from artstore_kit.postgres import Database
from artstore_kit.settings import WrongSettings

FIRST_ADMINISTRATOR = "admin"
_PASSWORD_SETTING = "ARTSTORE_BOOTSTRAP__ADMINISTRATOR_PASSWORD"  # noqa: S105 (a name)
_ACCOUNTS_SETTING = "ARTSTORE_BOOTSTRAP__ACCOUNTS"


@dataclass(frozen=True)
class FirstStart:
    """Run at every start: does what is not done yet, one node at a time, all of it or nothing."""

    database: Database
    audit: AuditLog
    bootstrap: BootstrapSettings
    passwords: Passwords
    sealed_keys: SealedKeys
    revocations: Revocations
    clock: Clock

    async def run(self) -> None:
        """Furnish the database; `WrongSettings` says what is missing."""
        await self._require_migrated()
        async with self.database.transaction() as connection:
            await first_start_lock.take(connection)
            deeds = [
                *await self._first_administrator(connection),
                *await self._fleet_accounts(connection, self.bootstrap.accounts),
                *await self._first_signing_key(connection),
            ]
            await self.audit.record(connection, *deeds)

    async def _require_migrated(self) -> None:
        if missing := await pending(self.database, "admin_module"):
            raise WrongSettings(
                f"The database lacks the revisions {', '.join(missing)}: run `python -m admin_module migrate` first"
            )

    async def _first_administrator(self, connection: AsyncConnection) -> list[Deed]:
        if await any_administrator(connection):
            return []
        if self.bootstrap.administrator_password is None:
            raise WrongSettings(
                f"{_PASSWORD_SETTING}: there is no administrator yet; give the first one's password in this variable, "
                f"or in the file that {_PASSWORD_SETTING}_FILE names"
            )
        password = prepared(self.bootstrap.administrator_password.get_secret_value())
        password_hash = await self.passwords.hashed(password)
        # Whoever has started the service knows this password, and so may others who read its settings.
        first = Administrator(FIRST_ADMINISTRATOR, password_hash, (SUPER_ADMIN,), must_change_password=True)
        await insert_administrator(connection, first, self.clock())
        event_logger().info("first administrator made", username=FIRST_ADMINISTRATOR)
        return [Deed.of_service("administrator.create", f"administrator:{FIRST_ADMINISTRATOR}")]

    async def _fleet_accounts(self, connection: AsyncConnection, accounts: Sequence[FleetAccount]) -> list[Deed]:
        return [deed for account in accounts for deed in await self._fleet_account(connection, account)]

    async def _fleet_account(self, connection: AsyncConnection, wanted: FleetAccount) -> list[Deed]:
        """Made, or brought to what the settings say: they are the truth of the fleet's own accounts."""
        now = self.clock()
        account = account_of(wanted, system=True, created_at=now, secret_expires_at=None)
        rights = await rights_kept(connection, account.roles, own_rights(account))
        sha256 = hashed(wanted.client_secret.get_secret_value())
        if await find_administrator(connection, account.client_id):
            raise WrongSettings(f"{_ACCOUNTS_SETTING}: '{account.client_id}' is an administrator's name")
        made = await insert_account(connection, account)
        changed = not made and await self._update(connection, account, rights)
        await add_secret(connection, account.client_id, sha256, now, expires_at=None)
        replaced = await remove_other_secrets(connection, account.client_id, sha256)
        if replaced:  # whoever had the one before may have had a token for it just now
            await self.revocations.revoke_subject(connection, account.client_id)
        if made or replaced:
            event_logger().info("fleet account set", client_id=account.client_id, made=made)
        if not (made or replaced or changed):
            return []
        action = "account.create" if made else "account.change"
        detail = {**told(account), "secret_replaced": replaced > 0}
        return [Deed.of_service(action, f"account:{account.client_id}", **detail)]

    async def _update(self, connection: AsyncConnection, account: ServiceAccount, rights: Rights) -> bool:
        """Whether that changed anything. Tokens of other rights or keys are revoked, as with any other account."""
        known = await account_to_change(connection, account.client_id)
        if known is None or not known.system:
            raise WrongSettings(f"{_ACCOUNTS_SETTING}: '{account.client_id}' exists and was not made for the fleet")
        after = changed(known, AccountChanges.model_validate(account, from_attributes=True))
        if after.model_copy(update={"revision": known.revision}) == known:
            return False
        before = await effective_rights(connection, known.roles, own_rights(known))
        await update_account(connection, after)
        if rights != before or after.jwks != known.jwks:
            await self.revocations.revoke_subject(connection, account.client_id)
        return True

    async def _first_signing_key(self, connection: AsyncConnection) -> list[Deed]:
        now = self.clock()
        if current(await all_keys(connection), now) is not None:
            return []
        public_jwk, sealed = await asyncio.to_thread(self.sealed_keys.generate)
        await insert_key(
            connection, SigningKey(public_jwk["kid"], public_jwk, sealed, published_at=now, not_before=now)
        )
        event_logger().info("signing key made", kid=public_jwk["kid"])
        return [Deed.of_service("key.create", f"key:{public_jwk['kid']}")]
