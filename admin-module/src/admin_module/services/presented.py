"""Tokens that a client shows us: is one good (RFC 7662), and let it be good no longer (RFC 7009)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from admin_module.domain.audit import Deed
from admin_module.domain.clients import Client
from admin_module.domain.clock import Clock
from admin_module.domain.introspection import INACTIVE, TokenState, state_of, state_of_session
from admin_module.domain.proofs import Proof
from admin_module.services.audit import AuditLog
from admin_module.services.clients import Clients
from admin_module.services.revocations import Revocations
from admin_module.services.sessions import Sessions
from artstore_kit.contracts.errors import NotAuthenticated, ScopeMissing, UnauthorizedClient
from artstore_kit.contracts.identity import Scope
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.tokens.bearer import TokenVerifier


@dataclass(frozen=True)
class PresentedTokens:
    """What an access token is, is read from it; whether it was revoked, or its key was, is asked at each question.

    Whatever is none may be a refresh token, which is looked for by its hash.
    """

    database: Database
    audit: AuditLog
    clients: Clients
    verifier: TokenVerifier
    revocations: Revocations
    sessions: Sessions
    clock: Clock

    async def state(self, proof: Proof, address: str, token: str) -> TokenState:
        """What the token is good for; `INACTIVE`, and no word more, when it is good for nothing.

        `ScopeMissing` for a client that may not ask.
        """
        client = await self.clients.authenticated(proof, address)
        if Scope.TOKENS_INTROSPECT not in client.rights.scopes:
            raise ScopeMissing(f"The client does not hold {Scope.TOKENS_INTROSPECT.value}.")
        if principal := await self._good(token):
            return state_of(principal, self.verifier.settings)
        session = await self.sessions.that_goes_on_with(token)
        return state_of_session(session, self.sessions.lifetimes, self.verifier.settings) if session else INACTIVE

    async def revoke(self, proof: Proof, address: str, token: str) -> None:
        """Take a token back; with a refresh token, the whole session. What is good for nothing needs nothing done.

        `UnauthorizedClient` for a token of another client, unless the client may revoke those too. Of refresh tokens,
        which are never its own, one that may not learns nothing.
        """
        client = await self.clients.authenticated(proof, address)
        may_revoke_any = Scope.TOKENS_REVOKE in client.rights.scopes
        principal = await self._good(token)
        if principal is None:
            if may_revoke_any:
                await self.sessions.take_back(token, client.client_id)
            return
        if principal.client_id != client.client_id and not may_revoke_any:
            raise UnauthorizedClient("The token was issued to another client.")
        async with self.database.transaction() as connection:
            await self.revocations.revoke_token(connection, principal.token_id, _expiry(principal))
            await self.audit.record(connection, _revoked(client, principal))

    async def _good(self, token: str) -> Principal | None:
        await self.verifier.refresh_keys()  # at each question: the row of a revoked key is gone before long
        try:
            principal = await self.verifier.read(token)
        except NotAuthenticated:
            return None
        if principal.expires_at <= self.clock().timestamp():
            return None
        async with self.database.connect() as connection:
            return None if await self.revocations.is_revoked(connection, principal) else principal


def _expiry(principal: Principal) -> datetime:
    return datetime.fromtimestamp(principal.expires_at, UTC)


def _revoked(client: Client, principal: Principal) -> Deed:
    return Deed(
        "token.revoke",
        f"token:{principal.token_id}",
        actor=client.client_id,
        client_id=client.client_id,
        detail={"subject": principal.subject},
    )
