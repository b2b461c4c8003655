"""What is revoked is known soon, with Redis and without."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis.asyncio import Redis

from artstore_kit.clients.admin import AdminClient
from artstore_kit.contracts.errors import NotAuthenticated
from artstore_kit.contracts.revocations import REVOCATIONS_CHANNEL, Revocation, RevocationKind
from artstore_kit.redis import connect
from artstore_kit.settings import AuditSettings, MemberSettings, RedisSettings, ServerSettings
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.patience import eventually
from artstore_kit.tokens.bearer import TokenVerifier
from artstore_kit.tokens.issuer import RemoteIssuer
from artstore_kit.tokens.issuer_watch import watched, woken
from artstore_kit.tokens.service_token import ServiceToken


class WithRedis(MemberSettings):
    redis: RedisSettings


@asynccontextmanager
async def member(
    admin: AdminStandIn, redis: RedisSettings, pull_interval_s: float = 20
) -> AsyncIterator[TokenVerifier]:
    settings = WithRedis(
        server=ServerSettings(port=0),
        tokens=admin.token_settings().model_copy(update={"pull_interval_s": pull_interval_s}),
        account=admin.account(),
        admin=admin.address(),
        audit=AuditSettings(spool_dir=Path("not used here")),
        redis=redis,
    )
    token = ServiceToken.of(settings.admin, settings.account)
    client = AdminClient.of(settings.admin, token)
    issuer = RemoteIssuer(settings.tokens, client)
    async with watched(settings, issuer) as verifier:
        yield verifier
    for each in (issuer, client, token):
        await each.close()


def revoke_subject(admin: AdminStandIn, name: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    ends = soon + timedelta(minutes=20)
    admin.mint.revoked.append(Revocation(kind=RevocationKind.SUBJECT, name=name, before=soon, ends_at=ends))


async def test_a_word_through_redis_is_enough(admin: AdminStandIn, redis: Redis, redis_settings: RedisSettings) -> None:
    token = admin.mint.mint("ann")
    async with member(admin, redis_settings) as verifier:
        await verifier.authenticate(f"Bearer {token}")
        await eventually(lambda: subscribed(redis))
        revoke_subject(admin, "ann")
        await redis.publish(REVOCATIONS_CHANNEL, "revoked")
        await eventually(lambda: refused(verifier, token))


async def test_without_redis_the_pull_finds_it(admin: AdminStandIn) -> None:
    token = admin.mint.mint("ann")
    nowhere = RedisSettings(url="redis://127.0.0.1:1")
    async with member(admin, nowhere, pull_interval_s=0.1) as verifier:
        await verifier.authenticate(f"Bearer {token}")
        revoke_subject(admin, "ann")
        await eventually(lambda: refused(verifier, token))


async def test_a_subscription_that_was_cut_is_made_anew(redis: Redis, redis_settings: RedisSettings) -> None:
    called = 0

    async def call() -> None:
        nonlocal called
        called += 1

    client = connect(redis_settings)
    task = asyncio.create_task(woken(client, call))
    try:
        await eventually(lambda: subscribed(redis))
        before = called
        await redis.client_kill_filter(_type="pubsub")
        await eventually(lambda: more(lambda: called, before))
        await eventually(lambda: subscribed(redis))
        before = called
        await redis.publish(REVOCATIONS_CHANNEL, "revoked")
        await eventually(lambda: more(lambda: called, before))
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.aclose()


async def more(count: Callable[[], int], before: int) -> bool:
    return count() > before


async def subscribed(redis: Redis) -> bool:
    ((_, listeners),) = await redis.pubsub_numsub(REVOCATIONS_CHANNEL)
    return int(listeners) > 0


async def refused(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.authenticate(f"Bearer {token}")
    except NotAuthenticated:
        return True
    return False
