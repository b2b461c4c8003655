"""The life of a service account after it was made: changed, suspended, active again, removed."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.accounts import account_to_change, delete_account, update_account
from admin_module.adapters.assertions import require_usable
from admin_module.domain.accounts import changed, in_state, told
from admin_module.domain.audit import Deed
from admin_module.domain.revisions import require_unchanged
from admin_module.domain.rights import Rights, held_by, require_may_give, require_power_over
from admin_module.services.audit import AuditLog
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights, own_rights, rights_kept
from artstore_kit.contracts.accounts import AccountChanges
from artstore_kit.contracts.errors import AccountIsSystem, AccountUnknown
from artstore_kit.contracts.identity import AccountState, ServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal

_DEEDS = {AccountState.SUSPENDED: "account.suspend", AccountState.ACTIVE: "account.activate"}


@dataclass(frozen=True)
class AccountChanging:
    """Changes accounts, each in one transaction with its audit entry, for whoever holds no less than the account.

    When its rights or its keys are others than before, its older tokens are revoked.
    """

    database: Database
    audit: AuditLog
    revocations: Revocations

    async def change(
        self, client_id: str, changes: AccountChanges, by: Principal, if_match: str | None
    ) -> ServiceAccount:
        """Set what is named, to nothing that `by` does not hold."""
        require_usable(changes.jwks.keys if changes.jwks else ())
        async with self.database.transaction() as connection:
            account, before = await governed(connection, client_id, by)
            require_own(account)
            require_unchanged(account.revision, if_match)
            after = changed(account, changes)
            rights = await rights_kept(connection, after.roles, own_rights(after))
            require_may_give(held_by(by), rights)
            await update_account(connection, after)
            if rights != before or after.jwks != account.jwks:
                await self.revocations.revoke_subject(connection, client_id)
            await self.audit.record(connection, Deed.by(by, "account.change", f"account:{client_id}", **told(after)))
        return after

    async def suspend(self, client_id: str, by: Principal) -> ServiceAccount:
        """Give the account no more tokens. One of the fleet's own, too: whatever it does then stands still."""
        return await self._bring(client_id, AccountState.SUSPENDED, by)

    async def activate(self, client_id: str, by: Principal) -> ServiceAccount:
        """Give the account tokens again."""
        return await self._bring(client_id, AccountState.ACTIVE, by)

    async def remove(self, client_id: str, by: Principal) -> None:
        """Remove an account that is not one of the fleet's own."""
        async with self.database.transaction() as connection:
            account, _ = await governed(connection, client_id, by)
            require_own(account)
            await delete_account(connection, client_id)
            await self.revocations.revoke_subject(connection, client_id)
            await self.audit.record(connection, Deed.by(by, "account.remove", f"account:{client_id}"))

    async def _bring(self, client_id: str, state: AccountState, by: Principal) -> ServiceAccount:
        """Nothing happens when it is in that state."""
        async with self.database.transaction() as connection:
            account, _ = await governed(connection, client_id, by)
            if account.state is state:
                return account
            after = in_state(account, state)
            await update_account(connection, after)
            if state is AccountState.SUSPENDED:
                await self.revocations.revoke_subject(connection, client_id)
            await self.audit.record(connection, Deed.by(by, _DEEDS[state], f"account:{client_id}"))
        return after


async def governed(connection: AsyncConnection, client_id: str, by: Principal) -> tuple[ServiceAccount, Rights]:
    """The account and what it may, for a change by somebody who may no less; `AccountUnknown` or `HoldsMore`."""
    account = await account_to_change(connection, client_id)
    if account is None:
        raise AccountUnknown
    rights = await effective_rights(connection, account.roles, own_rights(account))
    require_power_over(held_by(by), rights)
    return account, rights


def require_own(account: ServiceAccount) -> None:
    """Raise `AccountIsSystem` for what the settings say at every start."""
    if account.system:
        raise AccountIsSystem
