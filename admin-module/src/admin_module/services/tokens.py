"""Tokens for programs: the client credentials grant (RFC 6749 section 4.4)."""

from dataclasses import dataclass
from datetime import datetime

from admin_module import metrics
from admin_module.domain.proofs import Proof
from admin_module.domain.scopes import narrowed
from admin_module.domain.subjects import TOKEN_LIFETIME_S, Subject, program
from admin_module.services.clients import Clients
from admin_module.services.keyring import Keyring
from artstore_kit.contracts.identity import TokenAnswer

KIND = "client"


@dataclass(frozen=True)
class ClientTokens:
    """Tokens for service accounts."""

    clients: Clients
    keyring: Keyring

    async def issue(self, proof: Proof, address: str, scope: str) -> TokenAnswer:
        """A token with what the account and its roles may, or those of its scopes that `scope` names."""
        with metrics.refusals_counted(KIND):
            client = await self.clients.authenticated(proof, address)
            rights = client.rights
            scopes = narrowed(rights.scopes, scope)
        subject = program(client.client_id, client.roles, rights, scopes)
        return await issued(self.keyring, KIND, subject, client.tokens_from)


async def issued(keyring: Keyring, kind: str, subject: Subject, moment: datetime) -> TokenAnswer:
    """A signed token as it is answered (RFC 6749 section 5.1). `Revocations.moment_for` gives the moment."""
    token = await keyring.sign(subject, moment)
    metrics.TOKENS.labels(kind).inc()
    return TokenAnswer(access_token=token, expires_in=TOKEN_LIFETIME_S, scope=" ".join(subject.scopes))
