"""May somebody do something, and why: for everybody about themselves, for those who may see accounts about all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module.adapters.account_secrets import valid_secrets
from admin_module.adapters.accounts import find_account
from admin_module.adapters.administrators import find_administrator
from admin_module.adapters.login_failures import find_lock
from admin_module.domain.access import OWN, UNKNOWN, Standing, explained
from admin_module.domain.administrators import Administrator
from admin_module.domain.clock import Clock
from admin_module.domain.lockout import locked
from admin_module.domain.rights import Rights
from admin_module.domain.roles import rights_of
from admin_module.services.rights import own_rights, roles_held
from artstore_kit.contracts.access import AccessAnswer, AccessCode, AccessQuestion, AccessReason, SubjectKind
from artstore_kit.contracts.errors import AccountLocked, AccountSuspended, PasswordChangeRequired
from artstore_kit.contracts.identity import AccountState, Scope, ServiceAccount
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal


@dataclass(frozen=True)
class Access:
    """Explains rights as they are in the database now."""

    database: Database
    clock: Clock

    async def explain(self, question: AccessQuestion, by: Principal) -> AccessAnswer:
        """The answer; `ScopeMissing` when `by` asks about somebody else and may not see accounts."""
        if question.subject != by.subject:
            by.require(Scope.ACCOUNTS_READ)
        async with self.database.connect() as connection:
            return explained(question, await self._standing(connection, question.subject))

    async def _standing(self, connection: AsyncConnection, name: str) -> Standing:
        if account := await find_account(connection, name):
            sources = {OWN: own_rights(account), **await _of_roles(connection, account.roles)}
            usable = account.jwks is not None or await valid_secrets(connection, name, self.clock())
            return Standing(SubjectKind.SERVICE_ACCOUNT, tuple(_against_account(account, bool(usable))), sources)
        if person := await find_administrator(connection, name):
            lock = locked(await find_lock(connection, name), self.clock())
            sources = await _of_roles(connection, person.roles)
            return Standing(SubjectKind.ADMINISTRATOR, tuple(_against_person(person, lock)), sources)
        return UNKNOWN


async def _of_roles(connection: AsyncConnection, names: Sequence[str]) -> dict[str, Rights]:
    return {f"role:{role.name}": rights_of(role) for role in await roles_held(connection, names)}


def _against_account(account: ServiceAccount, usable: bool) -> Iterator[AccessReason]:
    if account.state is AccountState.SUSPENDED:
        yield AccessReason(code=AccessCode.ACCOUNT_SUSPENDED, detail="The account is suspended.")
    if not usable:
        detail = "The account has no secret that is still good, and no public key."
        yield AccessReason(code=AccessCode.ACCOUNT_EXPIRED, detail=detail)


def _against_person(person: Administrator, lock: AccountLocked | None) -> Iterator[AccessReason]:
    if person.suspended:
        yield AccessReason(code=AccessCode.ACCOUNT_SUSPENDED, detail=AccountSuspended.title())
    if lock:
        yield AccessReason(code=AccessCode.ACCOUNT_LOCKED, detail=lock.detail)
    if person.must_change_password:
        yield AccessReason(code=AccessCode.PASSWORD_CHANGE_REQUIRED, detail=PasswordChangeRequired.title())
