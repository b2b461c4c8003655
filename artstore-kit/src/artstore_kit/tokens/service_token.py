"""This service's own access token: fetched with its account, remembered, and renewed before it expires."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from artstore_kit.callee import Callee
from artstore_kit.contracts.identity import TOKEN_PATH, TokenAnswer
from artstore_kit.logs import event_logger
from artstore_kit.outbound import Outbound
from artstore_kit.settings import AccountSettings, AdminSettings

RENEW_AT_SHARE = 0.5
"""A token is renewed after half of its life: the other half is how long the admin module may be away."""

SPENT_BEFORE_EXPIRY_S = 5.0
PAUSE_AFTER_FAILURE_S = 5.0
PAUSE_AFTER_REFUSAL_S = 2.0


@dataclass(frozen=True)
class _Held:
    token: str
    asked_at: float
    renew_at: float
    spent_at: float


class ServiceToken:
    """Implements `Credentials`. One request for a token is under way at a time, however many wait for it."""

    def __init__(self, admin: Outbound, account: AccountSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._admin = admin
        self._account = account
        self._clock = clock
        self._held: _Held | None = None
        self._renewing: asyncio.Task[_Held] | None = None
        self._renew_again_at = 0.0

    @classmethod
    def of(cls, admin: AdminSettings, account: AccountSettings) -> "ServiceToken":
        """For the admin module at its configured address; close it at the end."""
        return cls(Outbound(Callee("admin (tokens)", admin.url)), account)

    async def close(self) -> None:
        """Give up a request under way and close the connection."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        await self._admin.close()

    async def token(self) -> str:
        """A valid token, from memory when there is one; `DependencyUnavailable` when none can be had."""
        now = self._clock()
        held = self._held
        if held is not None and now < held.spent_at:
            if now >= held.renew_at and now >= self._renew_again_at:
                self._renewal()
            return held.token
        # Shielded, because others wait for the same request: one of them going away must not end it.
        return (await asyncio.shield(self._renewal())).token

    def forget(self, token: str) -> None:
        """The token was refused: the next call fetches another, unless this one is quite new."""
        held = self._held
        if held is not None and held.token == token and self._clock() > held.asked_at + PAUSE_AFTER_REFUSAL_S:
            self._held = None

    def _renewal(self) -> asyncio.Task[_Held]:
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(), name="service token")
            self._renewing.add_done_callback(self._renewed)
        return self._renewing

    def _renewed(self, task: asyncio.Task[_Held]) -> None:
        self._renewing = None
        if not task.cancelled() and (error := task.exception()):
            self._renew_again_at = self._clock() + PAUSE_AFTER_FAILURE_S
            event_logger().warning("service account got no access", reason=str(error))

    async def _renew(self) -> _Held:
        asked_at = self._clock()
        answer = await self._admin.ask(
            TokenAnswer,
            "POST",
            TOKEN_PATH,
            form={"grant_type": "client_credentials"},
            auth=httpx.BasicAuth(self._account.client_id, self._account.client_secret.get_secret_value()),
            idempotent=True,
        )
        self._held = _Held(
            answer.access_token,
            asked_at=asked_at,
            renew_at=asked_at + answer.expires_in * RENEW_AT_SHARE,
            spent_at=asked_at + answer.expires_in - SPENT_BEFORE_EXPIRY_S,
        )
        return self._held
