"""Tokens for programs: the client credentials grant (RFC 6749 section 4.4)."""

from dataclasses import dataclass

from admin_module import metrics
from admin_module.adapters.accounts import find_account, valid_secrets
from admin_module.domain.clock import Clock
from admin_module.domain.scopes import narrowed
from admin_module.domain.secrets import matches
from admin_module.domain.subjects import TOKEN_LIFETIME_S, Subject
from admin_module.services.keyring import Keyring
from artstore_kit.contracts.errors import InvalidClient
from artstore_kit.contracts.identity import ServiceAccount, TokenAnswer
from artstore_kit.postgres import Database

KIND = "client"


@dataclass(frozen=True)
class ClientTokens:
    """Tokens for service accounts."""

    database: Database
    keyring: Keyring
    clock: Clock

    async def issue(self, client_id: str, client_secret: str, scope: str) -> TokenAnswer:
        """A token with the account's scopes, or those of them that `scope` names."""
        with metrics.refusals_counted(KIND):
            account = await self._authenticated(client_id, client_secret)
            scopes = narrowed(account.scopes, scope)
        return await issued(self.keyring, KIND, Subject(account.client_id, account.client_id, scopes, account.grants))

    async def _authenticated(self, client_id: str, client_secret: str) -> ServiceAccount:
        """Wrong secrets and unknown clients take the same work: one query, and at least one comparison."""
        async with self.database.connect() as connection:
            known = await valid_secrets(connection, client_id, self.clock())
            account = await find_account(connection, client_id) if matches(client_secret, known) else None
        if account is None:
            raise InvalidClient
        return account


async def issued(keyring: Keyring, kind: str, subject: Subject) -> TokenAnswer:
    """A signed token as it is answered (RFC 6749 section 5.1)."""
    token = await keyring.sign(subject)
    metrics.TOKENS.labels(kind).inc()
    return TokenAnswer(access_token=token, expires_in=TOKEN_LIFETIME_S, scope=" ".join(subject.scopes))
