"""Access tokens (RFC 9068) checked locally, and the rights that they carry."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx
import jwt
from cachetools import TTLCache
from pydantic import TypeAdapter, ValidationError

from artstore_kit.contracts.errors import (
    ArtStoreError,
    NotAuthenticated,
    ScopeMissing,
    TokensUnverifiable,
)
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, Grant, Scope
from artstore_kit.principal import CHALLENGE, Principal
from artstore_kit.settings import TokenSettings

LEEWAY_S = 60
KEYS_FETCHED_AT_MOST_EVERY_S = 10
PAUSE_AFTER_FAILURE_S = 1.0
REMEMBERED_TOKENS = 10_000
REMEMBERED_FOR_S = 60
TOKEN_LIMIT_BYTES = 16_384

KeySource = Callable[[], Awaitable[Mapping[str, object]]]
_GRANTS = TypeAdapter(tuple[Grant, ...])


@dataclass
class TokenVerifier:
    """Checks tokens against the issuer's keys and remembers those found valid."""

    settings: TokenSettings
    fetch_keys: KeySource
    clock: Callable[[], float] = time.time
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _fetched_at: float = -1e9
    _failed_at: float = -1e9
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _remembered: TTLCache[str, Principal] = field(
        default_factory=lambda: TTLCache(REMEMBERED_TOKENS, REMEMBERED_FOR_S), repr=False
    )

    async def authenticate(self, authorization: str | None, acting_for: str | None = None) -> Principal:
        """Who sends this `Authorization` header; `NotAuthenticated` when it proves nothing."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refused("Send an access token: `Authorization: Bearer <token>`.", error="")
        principal = self._remembered.get(token)
        if principal is None or principal.expires_at + LEEWAY_S < self.clock():
            principal = await self._verify(token)
            self._remembered[token] = principal
        return _acting(principal, acting_for)

    async def _verify(self, token: str) -> Principal:
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
        if kid not in self._keys:
            async with self._fetching:  # whoever comes meanwhile waits for the same answer
                await self._refresh(kid)
        if kid not in self._keys:
            raise _refused("The access token is signed with a key that the issuer does not publish.")
        return self._keys[kid]

    async def _refresh(self, kid: str) -> None:
        now = self.clock()
        if kid in self._keys or now - self._fetched_at < KEYS_FETCHED_AT_MOST_EVERY_S:
            return
        if now - self._failed_at < PAUSE_AFTER_FAILURE_S:
            raise TokensUnverifiable
        try:
            self._keys = _usable_keys(await self.fetch_keys())
        except ArtStoreError:
            self._failed_at = now
            raise
        self._fetched_at = now


def fetched_from(url: str) -> KeySource:
    """A key source that reads a JWKS document; `TokensUnverifiable` when it cannot be had."""

    async def fetch() -> Mapping[str, object]:
        try:
            async with httpx.AsyncClient(timeout=3, verify=url.startswith("https:")) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                keys: Mapping[str, object] = answer.json()
                return keys
        except (httpx.HTTPError, ValueError) as error:
            raise TokensUnverifiable(f"The signing keys cannot be fetched: {type(error).__name__}.") from None

    return fetch


def _usable_keys(jwks: Mapping[str, object]) -> dict[str, jwt.PyJWK]:
    listed = jwks.get("keys")
    keys = [jwt.PyJWK(key, "RS256") for key in listed if key.get("kty") == "RSA"] if isinstance(listed, list) else []
    return {key.key_id: key for key in keys if key.key_id}


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
