"""Redis is forgetful, or away: it holds hints, and no document depends on a hint."""

import asyncio

from redis.asyncio import Redis

from artstore import ArtStore
from artstore_kit.contracts.elements import REGISTRY_INDEX_KEY
from artstore_kit.contracts.errors import IdempotencyUnavailable
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import KIB, Document, downloaded, unique_word, until_found
from tests.fleet.elements import ELEMENTS
from tests.fleet.traffic import going_on
from tests.fleet.wire import Wire, refusal
from tools.fleet.fleet import Fleet


async def test_redis_is_flushed(fleet: Fleet, store: ArtStore) -> None:
    async with Redis.from_url(fleet.servers.redis_url, decode_responses=True) as redis, going_on(store) as traffic:
        await redis.flushall()
        await traffic.has_gone_on()
        await eventually(lambda: _registry_is_back(redis), within_s=15)

    assert traffic.refusals == []


async def test_redis_is_killed(fleet: Fleet, store: ArtStore) -> None:
    async with going_on(store) as traffic:
        fleet.kill("redis")
        await asyncio.to_thread(fleet.start_one, "redis")

    assert {type(refusal) for refusal in traffic.refusals} <= {IdempotencyUnavailable}


async def test_redis_is_away(fleet: Fleet, store: ArtStore, wire: Wire) -> None:
    before, meanwhile = Document.of_size(KIB), Document.of_size(KIB)
    stored_before = await before.put(store)
    await asyncio.to_thread(fleet.stop_one, "redis")

    without_key = await wire.upload(b"kept without Redis", name=f"{unique_word()}.txt")
    with_key = await wire.upload(b"-", headers={"Idempotency-Key": unique_word()})

    assert without_key.status_code == 201, without_key.text
    refusal(with_key, 503, "idempotency_unavailable")
    attributes = without_key.json()
    stored_meanwhile = await meanwhile.put(store)
    assert await downloaded(store, stored_meanwhile.file_id) == meanwhile.content
    assert await downloaded(store, attributes["file_id"]) == b"kept without Redis"
    assert await downloaded(store, stored_before.file_id) == before.content
    await until_found(store, attributes["content"]["name"].removesuffix(".txt"), attributes["content"]["name"])

    await asyncio.to_thread(fleet.start_one, "redis")
    await _takes_keys_again(wire)
    async with going_on(store):
        pass


async def _registry_is_back(redis: Redis) -> bool:
    return await redis.smembers(REGISTRY_INDEX_KEY) == set(ELEMENTS)


async def _takes_keys_again(wire: Wire) -> None:
    async def takes() -> bool:
        answer = await wire.upload(b"-", headers={"Idempotency-Key": unique_word()})
        return answer.status_code == 201

    await eventually(takes, within_s=10)
