"""The issuer's signing keys in memory."""

import asyncio
import time
from collections.abc import Callable, Mapping

import jwt

from artstore_kit.contracts.errors import ArtStoreError, TokensUnverifiable
from artstore_kit.tokens.issuer import Issuer

FETCHED_AT_MOST_EVERY_S = 10
PAUSE_AFTER_FAILURE_S = 1.0


class SigningKeys:
    """Public keys by `kid`. An unknown one is asked for, at most every `FETCHED_AT_MOST_EVERY_S`."""

    def __init__(self, issuer: Issuer, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._clock = clock
        self._document: Mapping[str, object] = {}
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._failed_at = float("-inf")
        self._fetching = asyncio.Lock()

    def __contains__(self, kid: str) -> bool:
        """Whether the issuer published this key when it was last asked."""
        return kid in self._keys

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of this name; None when the issuer does not publish it."""
        if kid not in self._keys:
            async with self._fetching:  # whoever comes meanwhile waits for the same answer
                if kid not in self._keys:
                    await self._ask_again()
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Ask for the keys now. When they cannot be had, those that are known stay."""
        async with self._fetching:
            await self._fetch()

    async def _ask_again(self) -> None:
        now = self._clock()
        if now - self._fetched_at < FETCHED_AT_MOST_EVERY_S:
            return
        if now - self._failed_at < PAUSE_AFTER_FAILURE_S:
            raise TokensUnverifiable
        await self._fetch()

    async def _fetch(self) -> None:
        try:
            document = await self._issuer.keys()
            if document != self._document:
                self._keys, self._document = _usable(document), document
        except ArtStoreError:
            self._failed_at = self._clock()
            raise
        self._fetched_at = self._clock()


def _usable(document: Mapping[str, object]) -> dict[str, jwt.PyJWK]:
    """A document without a key is no answer: an issuer that signs has one."""
    listed = document.get("keys")
    try:
        keys = [jwt.PyJWK(key, "RS256") for key in listed if key["kty"] == "RSA"] if isinstance(listed, list) else []
    except (jwt.PyJWTError, TypeError, KeyError):
        keys = []
    if not keys:
        raise TokensUnverifiable("The issuer publishes no key set with keys of type RSA.")
    return {key.key_id: key for key in keys if key.key_id}
