"""Access tokens (RFC 9068) checked locally, and the rights that they carry."""

import time
from collections.abc import Callable, Mapping

import jwt
from cachetools import TTLCache
from pydantic import TypeAdapter, ValidationError

from artstore_kit.contracts.errors import NotAuthenticated, ScopeMissing
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, Grant, Scope
from artstore_kit.health import Check, Health
from artstore_kit.issuer import Issuer
from artstore_kit.jwks import SigningKeys
from artstore_kit.principal import CHALLENGE, Principal
from artstore_kit.revoked import REFUSED, Revoked
from artstore_kit.settings import TokenSettings

LEEWAY_S = 60
REMEMBERED_TOKENS = 10_000
REMEMBERED_FOR_S = 60
TOKEN_LIMIT_BYTES = 16_384

_GRANTS = TypeAdapter(tuple[Grant, ...])


class TokenVerifier:
    """Checks tokens against the issuer's keys and revocations, and remembers those found valid."""

    def __init__(self, settings: TokenSettings, issuer: Issuer, clock: Callable[[], float] = time.time) -> None:
        self.keys = SigningKeys(issuer, clock)
        self.revoked = Revoked(issuer, clock)
        self.settings = settings
        self._clock = clock
        self._remembered: TTLCache[str, Principal] = TTLCache(REMEMBERED_TOKENS, REMEMBERED_FOR_S)
        self.check = Check("revocations", self.revoked.check, Health.DEGRADED)

    async def authenticate(self, authorization: str | None, acting_for: str | None = None) -> Principal:
        """Who sends this `Authorization` header; `NotAuthenticated` when it proves nothing."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refused("Send an access token: `Authorization: Bearer <token>`.", error="")
        principal = self._remembered.get(token)
        if principal is None or principal.expires_at + LEEWAY_S < self._clock():
            principal = await self._verify(token)
            self._remembered[token] = principal
        return _acting(principal, acting_for)

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
            raise _refused("The access token was revoked.")
        return principal

    async def read(self, token: str) -> Principal:
        """What a valid token says, be it revoked or not; `NotAuthenticated` when it is not valid."""
        if len(token) > TOKEN_LIMIT_BYTES:
            raise _refused("The access token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ", "").lower() not in {"at+jwt", "application/at+jwt"} or header.get("alg") != "RS256":
                raise _refused("The access token is not an RS256 token of type at+jwt.")
            key = await self._key(str(header.get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self.settings.audience,
                issuer=self.settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "client_id", "jti"]},
            )
            return _principal(claims, key)
        except jwt.ExpiredSignatureError:
            raise _refused("The access token has expired.") from None
        except (jwt.PyJWTError, ValidationError, AttributeError, TypeError) as error:
            raise _refused(f"The access token is not valid here: {type(error).__name__}.") from None

    async def _key(self, kid: str) -> jwt.PyJWK:
        key = await self.keys.find(kid)
        if key is None:
            raise _refused("The access token is signed with a key that the issuer does not publish.")
        return key


def _principal(claims: Mapping[str, object], key: jwt.PyJWK) -> Principal:
    roles = claims.get("roles", [])
    return Principal(
        subject=str(claims["sub"]),
        client_id=str(claims["client_id"]),
        scopes=frozenset(str(claims.get("scope", "")).split()),
        grants=_GRANTS.validate_python(claims.get("grants", [])),
        roles=frozenset(str(role) for role in roles) if isinstance(roles, list) else frozenset(),
        expires_at=float(str(claims["exp"])),
        token_id=str(claims["jti"]),
        key_id=str(key.key_id),
        issued_at=float(str(claims["iat"])),
        session_id=str(claims.get("sid", "")),
    )


def _acting(principal: Principal, acting_for: str | None) -> Principal:
    if not acting_for:
        return principal
    if Scope.FLEET_ACT_FOR not in principal.scopes:
        raise ScopeMissing(f"Only services with {Scope.FLEET_ACT_FOR.value} may send {ACTING_FOR_HEADER}.")
    return Principal(**{**principal.__dict__, "acting_for": acting_for})


def _refused(detail: str, error: str = "invalid_token") -> NotAuthenticated:
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    return NotAuthenticated(detail, headers={"WWW-Authenticate": challenge})
