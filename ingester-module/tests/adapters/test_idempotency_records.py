"""Records and leases in a real Redis."""

import asyncio
from uuid import UUID

import pytest

from artstore_kit.contracts.errors import IdempotencyUnavailable, RedisUnavailable
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.redis import RedisClient, connect
from artstore_kit.settings import RedisSettings
from artstore_kit.testing.application import free_port
from ingester_module.adapters import idempotency
from ingester_module.adapters.idempotency import LEASE_MS, IdempotencyRecords, Lease
from ingester_module.domain.idempotency import Record

NAME = "name"


def record(file_id: UUID | None = None, answer: str | None = None) -> Record:
    return Record(fingerprint="f", file_id=file_id or new_file_id(), element_id="edit-1", answer=answer)


@pytest.fixture
def records(redis: RedisClient) -> IdempotencyRecords:
    return IdempotencyRecords(redis)


async def claimed(records: IdempotencyRecords, proposal: Record | None = None) -> Lease:
    claim = await records.claim(NAME, proposal or record())
    assert claim.lease is not None
    return claim.lease


async def test_the_first_claim_leaves_its_proposal_and_the_lease(records: IdempotencyRecords) -> None:
    proposal = record()
    claim = await records.claim(NAME, proposal)
    assert (claim.known, claim.lease is not None) == (None, True)
    again = await records.claim(NAME, record())
    assert (again.known, again.lease) == (proposal, None)


async def test_of_many_claims_one_wins(records: IdempotencyRecords) -> None:
    claims = await asyncio.gather(*(records.claim(NAME, record()) for _ in range(20)))
    assert sum(claim.lease is not None for claim in claims) == 1
    assert sum(claim.known is None for claim in claims) == 1


async def test_a_released_lease_can_be_taken_and_the_record_stays(records: IdempotencyRecords) -> None:
    proposal = record()
    assert await (await claimed(records, proposal)).release(forget=False)
    claim = await records.claim(NAME, record())
    assert (claim.known, claim.lease is not None) == (proposal, True)


async def test_a_forgotten_request_was_never_made(records: IdempotencyRecords) -> None:
    assert await (await claimed(records)).release(forget=True)
    assert (await records.claim(NAME, record())).known is None


async def test_the_answer_is_kept_for_a_day(records: IdempotencyRecords, redis: RedisClient) -> None:
    done = record(answer='{"a": "ё"}')
    assert await (await claimed(records)).finish(done)
    assert (await records.claim(NAME, record())).known == done
    (key,) = [key async for key in redis.scan_iter("*") if not key.endswith("lease")]
    assert 86_000 < await redis.ttl(key) <= 86_400


async def test_a_lost_lease_changes_nothing(records: IdempotencyRecords, redis: RedisClient) -> None:
    lost = await claimed(records)
    await redis.flushdb()
    proposal = record()
    await claimed(records, proposal)
    assert not await lost.write(record())
    assert not await lost.finish(record(answer="x"))
    assert not await lost.release(forget=True)
    assert (await records.claim(NAME, record())).known == proposal


async def test_a_lease_ends_by_itself_unless_renewed(
    records: IdempotencyRecords, redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "LEASE_MS", 150)
    lease = await claimed(records)
    for _ in range(4):
        await asyncio.sleep(0.08)
        await lease.renew()
    assert (await records.claim(NAME, record())).lease is None
    await asyncio.sleep(0.3)
    assert (await records.claim(NAME, record())).lease is not None
    assert LEASE_MS > 10_000


async def test_without_redis_nothing_is_promised() -> None:
    nowhere = connect(RedisSettings(url=f"redis://127.0.0.1:{free_port()}", password=None, timeout_s=0.2))
    with pytest.raises(IdempotencyUnavailable):
        await IdempotencyRecords(nowhere).claim(NAME, record())
    with pytest.raises(RedisUnavailable):
        await Lease(nowhere, ["a", "b"], "owner").renew()
    await nowhere.aclose()
