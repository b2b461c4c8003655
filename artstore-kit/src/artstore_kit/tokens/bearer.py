"""Access tokens (RFC 9068) checked locally, and the rights that they carry."""

import time
from collections.abc import Callable

from cachetools import TTLCache
from pydantic import TypeAdapter, ValidationError

from artstore_kit import request_context
from artstore_kit.contracts.audit import ACTING_FOR_LIMIT
from artstore_kit.contracts.errors import BadRequest, ScopeMissing
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, Grant, Scope
from artstore_kit.health import Check, Health
from artstore_kit.noted import noted
from artstore_kit.principal import Principal
from artstore_kit.proxies import address_in
from artstore_kit.settings import TokenSettings
from artstore_kit.tokens.access_token import (
    LEEWAY_S,
    Unverified,
    names_of,
    parsed,
    refuse,
    require_good,
    scopes_of,
    session_of,
    words,
)
from artstore_kit.tokens.issuer import Issuer
from artstore_kit.tokens.jwks import SigningKeys
from artstore_kit.tokens.revoked import REFUSED, Revoked

REMEMBERED_TOKENS = 10_000
REMEMBERED_FOR_S = 60

_GRANTS = TypeAdapter(tuple[Grant, ...])


class TokenVerifier:
    """Checks tokens against the issuer's keys and revocations, and remembers those found valid."""

    def __init__(self, settings: TokenSettings, issuer: Issuer, clock: Callable[[], float] = time.time) -> None:
        self.keys = SigningKeys(issuer, clock)
        self.revoked = Revoked(issuer, self.keys, clock)
        self.settings = settings
        self._clock = clock
        self._remembered: TTLCache[str, Principal] = TTLCache(REMEMBERED_TOKENS, REMEMBERED_FOR_S)
        self.check = Check("revocations", self.revoked.check, Health.DEGRADED)

    async def authenticate(
        self, authorization: str | None, acting_for: str | None = None, acting_from: str | None = None
    ) -> Principal:
        """Who sends this `Authorization` header; `NotAuthenticated` when it proves nothing.

        For whom, and from where that one has asked, whoever may act for others is believed. `BadRequest` for a name
        that no entry of the audit log could hold.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            refuse("Send an access token: `Authorization: Bearer <token>`.", error="")
        principal = self._remembered.get(token)
        if principal is None or principal.expires_at + LEEWAY_S < self._clock():
            principal = await self._verify(token)
            self._remembered[token] = principal
        known = noted()
        known.actor, known.client_id = principal.subject, principal.client_id
        known.by_service = principal.may_use(Scope.FLEET_ACT_FOR)
        principal = _acting(principal, _tellable(acting_for))
        known.acting_for = principal.acting_for
        if principal.acting_for and (address := address_in(acting_from or "")):
            request_context.come_from(str(address))
        return principal

    async def refresh_keys(self) -> None:
        """Ask for the keys. A token whose key is no longer published is not remembered."""
        await self.keys.refresh()
        self._forget(lambda principal: principal.key_id not in self.keys)

    async def refresh_revocations(self) -> None:
        """Ask for the revocations. A token that was revoked is not remembered."""
        if await self.revoked.refresh():
            self._forget(self.revoked.refuses)

    def _forget(self, wrong: Callable[[Principal], bool]) -> None:
        for token in [token for token, principal in self._remembered.items() if wrong(principal)]:
            self._remembered.pop(token, None)

    async def _verify(self, token: str) -> Principal:
        principal = await self.read(token)
        await self.revoked.require_known()
        if self.revoked.refuses(principal):
            REFUSED.inc()
            refuse("The access token was revoked.")
        return principal

    async def read(self, token: str) -> Principal:
        """What a valid token says, be it revoked or not; `NotAuthenticated` when it is not valid."""
        unverified = parsed(token)
        key = await self.keys.find(unverified.kid)
        if key is None:
            refuse("The access token is signed with a key that the issuer does not publish.")
        unverified.require_signed_by(key.key)
        require_good(unverified.claims, self.settings, self._clock())
        return _principal(unverified)


def _principal(token: Unverified) -> Principal:
    claims = token.claims
    subject, client_id, token_id = names_of(claims)
    try:
        grants = _GRANTS.validate_python(claims.get("grants", []))
    except ValidationError:
        refuse("The claim grants of the access token is no list of grants.")
    return Principal(
        subject=subject,
        client_id=client_id,
        scopes=scopes_of(claims),
        grants=grants,
        roles=frozenset(words(claims, "roles")),
        expires_at=float(claims["exp"]),
        token_id=token_id,
        key_id=token.kid,
        issued_at=float(claims["iat"]),
        session_id=session_of(claims),
    )


def _tellable(acting_for: str | None) -> str | None:
    if acting_for and not (len(acting_for) <= ACTING_FOR_LIMIT and acting_for.isprintable()):
        raise BadRequest(f"{ACTING_FOR_HEADER} is a name of at most {ACTING_FOR_LIMIT} printable characters.")
    return acting_for


def _acting(principal: Principal, acting_for: str | None) -> Principal:
    if not acting_for:
        return principal
    if not principal.may_use(Scope.FLEET_ACT_FOR):
        raise ScopeMissing(f"Only services with {Scope.FLEET_ACT_FOR.value} may send {ACTING_FOR_HEADER}.")
    return Principal(**{**principal.__dict__, "acting_for": acting_for})
