"""Tokens for programs: the client credentials grant (RFC 6749 section 4.4)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_module import metrics
from admin_module.adapters.accounts import find_account, valid_secrets
from admin_module.domain.clock import Clock
from admin_module.domain.scopes import narrowed
from admin_module.domain.secrets import matches
from admin_module.domain.subjects import TOKEN_LIFETIME_S, Subject, program
from admin_module.services.keyring import Keyring
from admin_module.services.revocations import Revocations
from admin_module.services.rights import effective_rights, own_rights
from artstore_kit.contracts.errors import InvalidClient
from artstore_kit.contracts.identity import ServiceAccount, TokenAnswer
from artstore_kit.postgres import Database

KIND = "client"


@dataclass(frozen=True)
class ClientTokens:
    """Tokens for service accounts."""

    database: Database
    keyring: Keyring
    revocations: Revocations
    clock: Clock

    async def issue(self, client_id: str, client_secret: str, scope: str) -> TokenAnswer:
        """A token with what the account and its roles may, or those of its scopes that `scope` names."""
        with metrics.refusals_counted(KIND):
            async with self.database.connect() as connection:
                moment = await self.revocations.moment_for(connection, client_id)
                account = await self._authenticated(connection, client_id, client_secret)
                rights = await effective_rights(connection, account.roles, own_rights(account))
            scopes = narrowed(rights.scopes, scope)
        return await issued(self.keyring, KIND, program(account, rights, scopes), moment)

    async def _authenticated(self, connection: AsyncConnection, client_id: str, client_secret: str) -> ServiceAccount:
        """Wrong secrets and unknown clients take the same work: one query, and at least one comparison."""
        known = await valid_secrets(connection, client_id, self.clock())
        account = await find_account(connection, client_id) if matches(client_secret, known) else None
        if account is None:
            raise InvalidClient
        return account


async def issued(keyring: Keyring, kind: str, subject: Subject, moment: datetime) -> TokenAnswer:
    """A signed token as it is answered (RFC 6749 section 5.1). `Revocations.moment_for` gives the moment."""
    token = await keyring.sign(subject, moment)
    metrics.TOKENS.labels(kind).inc()
    return TokenAnswer(access_token=token, expires_in=TOKEN_LIFETIME_S, scope=" ".join(subject.scopes))
