"""Guessing is limited by a running admin module, whatever becomes of Redis meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from redis.asyncio import Redis

from admin_module.config import LimitsSettings
from artstore_kit.contracts.identity import Scope
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import unique_word
from tests.fleet.people import new_account, token_of
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet

LIMIT = LimitsSettings().client_failures_limit
ELSEWHERE = "127.0.0.77"
"""What is done to this address happens to nobody else."""


@dataclass(frozen=True)
class Guesser:
    """Somebody at an address of his own, who tries secrets."""

    client: httpx.AsyncClient
    url: str

    async def tries(self, client_id: str, secret: str = "wrong") -> int:
        """How he is answered."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = await self.client.post(self.url, data=form)
        if answer.status_code == 429:
            assert (answer.json()["code"], int(answer.headers["Retry-After"]) > 0) == ("rate_limited", True)
        return answer.status_code

    async def floods(self, client_id: str) -> Counter[int]:
        """One guess after another, three times as many as are allowed."""
        return Counter([await self.tries(client_id) for _ in range(3 * LIMIT)])


@pytest.fixture
async def guesser(fleet: Fleet) -> AsyncIterator[Guesser]:
    transport = httpx.AsyncHTTPTransport(local_address=ELSEWHERE)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        yield Guesser(client, f"{fleet.url('admin')}/api/v1/auth/token")


async def test_a_lockout_outlives_redis(fleet: Fleet, wire: Wire, guesser: Guesser) -> None:
    locked, other = f"locked-{unique_word()}", f"other-{unique_word()}"
    secrets = {name: await new_account(wire, name, [Scope.FILES_READ]) for name in (locked, other)}
    assert await guesser.floods(locked) == {401: LIMIT, 429: 2 * LIMIT}
    await asyncio.to_thread(fleet.kill, "redis")
    try:
        assert await guesser.tries(locked, secrets[locked]) == 429
        assert await guesser.floods(other) == {401: LIMIT, 429: 2 * LIMIT}
    finally:
        await asyncio.to_thread(fleet.start_one, "redis")
    await eventually(lambda: counts_again(fleet), within_s=30)
    for name, secret in secrets.items():
        assert await guesser.floods(name) == {429: 3 * LIMIT}
        assert await guesser.tries(name, secret) == 429
        await token_of(fleet, name, secret)  # nobody is locked out elsewhere


async def counts_again(fleet: Fleet) -> bool:
    """The admin module writes its tallies to Redis, which has begun with none."""
    async with Redis.from_url(fleet.servers.redis_url) as redis:
        await token_of(fleet, *fleet.credentials("query-module"))
        return bool([key async for key in redis.scan_iter("artstore:{tallies}:*")])
