"""What is revoked, in memory: asked of the issuer again and again, consulted for each token."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from prometheus_client import Counter, Gauge

from artstore_kit.contracts.errors import ArtStoreError, TokensUnverifiable
from artstore_kit.contracts.revocations import Revocation, RevocationKind
from artstore_kit.health import CheckResult, Health
from artstore_kit.principal import Principal
from artstore_kit.tokens.issuer import Issuer
from artstore_kit.tokens.jwks import SigningKeys

STALE_AFTER_S = 60.0
PAUSE_AFTER_FAILURE_S = 1.0
WHOLE_EVERY_S = 60.0
"""Now and then the whole list is read: one that was long in being committed is older than what was asked for since."""

KNOWN = Gauge("artstore_revocations_known", "Revocations that have not ended", ["kind"])
READ = Gauge("artstore_revocations_read_timestamp_seconds", "When the list of revocations was last read")
REFUSED = Counter("artstore_revoked_tokens_refused_total", "Tokens refused because they were revoked")


class Revoked:
    """The list as it was last read, and what was on it before and has not ended.

    A key stays revoked for as long as it is among the known ones, however long they could not be asked for.
    """

    def __init__(self, issuer: Issuer, known_keys: SigningKeys, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._known_keys = known_keys
        self._clock = clock
        self._entries: dict[tuple[RevocationKind, str], Revocation] = {}
        self._subjects: dict[str, float] = {}
        self._as_of: datetime | None = None
        self._read_at = self._failed_at = self._whole_at = float("-inf")
        self._reading = asyncio.Lock()

    def refuses(self, principal: Principal) -> bool:
        """Whether the token was revoked: itself, with its session or its key, or with all that its subject had then."""
        return (
            (RevocationKind.TOKEN, principal.token_id) in self._entries
            or (RevocationKind.SESSION, principal.session_id) in self._entries
            or (RevocationKind.KEY, principal.key_id) in self._entries
            or principal.issued_at < self._subjects.get(principal.subject, 0.0)
        )

    async def refresh(self) -> Sequence[Revocation]:
        """Read the list now; what of it is new here. When it cannot be had, what is known stays."""
        async with self._reading:
            return await self._read()

    async def require_known(self) -> None:
        """Read the list unless it ever was: without it nobody can say that a token is still good.

        `TokensUnverifiable` when it cannot be had.
        """
        if self._as_of is None:
            async with self._reading:
                if self._as_of is None:
                    await self._read_first()

    async def check(self) -> CheckResult:
        """Degraded when the list is older than it may be: a revoked token might still be taken."""
        await self.require_known()
        age_s = time.monotonic() - self._read_at
        if age_s <= STALE_AFTER_S:
            return CheckResult()
        return CheckResult(health=Health.DEGRADED, detail=f"the list of revocations was not read for {age_s:.0f} s")

    async def _read_first(self) -> None:
        if time.monotonic() - self._failed_at < PAUSE_AFTER_FAILURE_S:
            raise TokensUnverifiable
        try:
            await self._read()
        except ArtStoreError as error:
            self._failed_at = time.monotonic()
            raise TokensUnverifiable(f"The list of revoked tokens cannot be had: {error.detail}") from error

    async def _read(self) -> Sequence[Revocation]:
        is_whole = time.monotonic() - self._whole_at >= WHOLE_EVERY_S
        answer = await self._issuer.revocations(None if is_whole else self._as_of)
        self._whole_at = time.monotonic() if is_whole else self._whole_at
        fresh = [each for each in answer.items if self._is_new(each)]
        self._entries |= {(each.kind, each.name): each for each in fresh}
        self._drop_ended()
        if answer.as_of != self._as_of:  # the issuer may tell what it read before it lost its database
            self._as_of, self._read_at = answer.as_of, time.monotonic()
        if fresh:
            await self._issuer.heard(fresh)
        return fresh

    def _is_new(self, told: Revocation) -> bool:
        known = self._entries.get((told.kind, told.name))
        return known is None or known.ends_at < told.ends_at

    def _drop_ended(self) -> None:
        self._entries = {key: each for key, each in self._entries.items() if not self._has_ended(each)}
        self._subjects = {each.name: each.before.timestamp() for each in self._entries.values() if each.before}
        for kind in RevocationKind:
            KNOWN.labels(kind.value).set(sum(each.kind is kind for each in self._entries.values()))
        READ.set(time.time())

    def _has_ended(self, known: Revocation) -> bool:
        is_known_key = known.kind is RevocationKind.KEY and known.name in self._known_keys
        return known.ends_at.timestamp() <= self._clock() and not is_known_key
