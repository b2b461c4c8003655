"""Service accounts: made by those who hold what they give, and listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters import name_lock
from admin_module.adapters.account_secrets import add_secret
from admin_module.adapters.accounts import accounts_after, find_account, insert_account
from admin_module.adapters.administrators import find_administrator
from admin_module.adapters.assertions import require_usable
from admin_module.config import AccountsSettings
from admin_module.domain.accounts import account_of, told
from admin_module.domain.audit import Deed
from admin_module.domain.clock import Clock
from admin_module.domain.repeats import Repeatable
from admin_module.domain.rights import held_by, require_may_give
from admin_module.domain.secrets import hashed, new_secret
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from admin_module.services.rights import own_rights, rights_kept
from artstore_kit.contracts.accounts import AccountFilter
from artstore_kit.contracts.errors import AccountExists, AccountUnknown
from artstore_kit.contracts.identity import CreatedServiceAccount, NewServiceAccount, ServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Accounts:
    """The service accounts."""

    database: Database
    audit: AuditLog
    repeats: Repeats
    settings: AccountsSettings
    clock: Clock

    async def create(
        self, new: NewServiceAccount, by: Principal, asked: Repeatable | None = None
    ) -> CreatedServiceAccount:
        """Make an account; its secret is in the answer and, when that may be `asked` for again, kept sealed with it."""
        require_usable(new.jwks.keys if new.jwks else ())
        return await self.repeats.once(asked, by, CreatedServiceAccount, partial(self._create, new, by))

    async def _create(
        self, new: NewServiceAccount, by: Principal, connection: AsyncConnection
    ) -> CreatedServiceAccount:
        secret, now = new_secret(), self.clock()
        expires_at = now + self.settings.secret_lifetime
        account = account_of(new, system=False, created_at=now, secret_expires_at=expires_at)
        require_may_give(held_by(by), await rights_kept(connection, new.roles, own_rights(new)))
        # A name stands for one subject: a program must not be mistaken for a person (RFC 9068 section 5).
        await name_lock.take(connection, new.client_id)
        if await find_administrator(connection, new.client_id) or not await insert_account(connection, account):
            raise AccountExists(f"The name '{new.client_id}' is taken.")
        await add_secret(connection, new.client_id, hashed(secret), now, expires_at)
        await self.audit.record(connection, Deed.by(by, "account.create", f"account:{new.client_id}", **told(account)))
        return CreatedServiceAccount(**dict(account), client_secret=secret)

    async def one(self, client_id: str) -> ServiceAccount:
        """The account of this name."""
        async with self.database.connect() as connection:
            account = await find_account(connection, client_id)
        if account is None:
            raise AccountUnknown
        return account

    async def page(self, after: str, limit: int, wanted: AccountFilter) -> Sequence[ServiceAccount]:
        """At most `limit` of the accounts that are wanted, by name, from the one after the name `after` on."""
        async with self.database.connect() as connection:
            return await accounts_after(connection, after, limit, wanted)
