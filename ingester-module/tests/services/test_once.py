"""Carrying a request out once, when things go wrong half way."""

import asyncio
from uuid import UUID

import pytest

from artstore_kit.contracts.errors import (
    ArtStoreError,
    BadRequest,
    ElementUnavailable,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    IdempotencyUnavailable,
)
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.redis import RedisClient
from ingester_module.adapters.idempotency import IdempotencyRecords
from ingester_module.domain.idempotency import Record
from ingester_module.domain.outcome import Receipt
from ingester_module.services import once as once_room
from ingester_module.services.once import Begun, Once


@pytest.fixture
def once(redis: RedisClient) -> Once:
    return Once(IdempotencyRecords(redis))


def proposal(fingerprint: str = "f") -> Record:
    return Record(fingerprint=fingerprint, file_id=new_file_id(), element_id="edit-1")


async def store(begun: Begun) -> Receipt:
    return Receipt(begun.record.file_id, b'{"done": true}')


class Failing:
    """Work that fails, and remembers under which id it was done."""

    def __init__(self, error: Exception) -> None:
        self.file_id: UUID | None = None
        self._error = error

    async def __call__(self, begun: Begun) -> Receipt:
        self.file_id = begun.record.file_id
        raise self._error


async def test_the_second_time_only_the_answer_is_given(once: Once) -> None:
    first = await once.carry_out("n", proposal(), store)
    again = await once.carry_out("n", proposal(), Failing(AssertionError()))
    assert (again.file_id, again.document) == (first.file_id, first.document)
    assert (first.replayed, again.replayed) == (False, True)


@pytest.mark.parametrize("error", [ElementUnavailable(), ZeroDivisionError()])
async def test_an_open_outcome_is_taken_up_under_the_same_id(once: Once, error: Exception) -> None:
    failing = Failing(error)
    with pytest.raises(type(error)):
        await once.carry_out("n", proposal(), failing)

    async def finish(begun: Begun) -> Receipt:
        assert begun.repeated
        return await store(begun)

    assert (await once.carry_out("n", proposal(), finish)).file_id == failing.file_id


@pytest.mark.parametrize(("error", "forgotten"), [(BadRequest(), True), (ElementUnavailable(), False)])
async def test_only_a_request_that_stored_nothing_may_be_corrected(
    once: Once, error: ArtStoreError, forgotten: bool
) -> None:
    with pytest.raises(type(error)):
        await once.carry_out("n", proposal(), Failing(error))
    corrected = once.carry_out("n", proposal("other"), store)
    if forgotten:
        assert not (await corrected).replayed
    else:
        with pytest.raises(IdempotencyKeyReused):
            await corrected


async def test_a_repetition_that_fails_does_not_forget_the_first(once: Once) -> None:
    first = Failing(ElementUnavailable())
    with pytest.raises(ElementUnavailable):
        await once.carry_out("n", proposal(), first)
    with pytest.raises(BadRequest):
        await once.carry_out("n", proposal(), Failing(BadRequest()))
    assert (await once.carry_out("n", proposal(), store)).file_id == first.file_id


async def test_a_cancelled_request_gives_its_lease_back(once: Once) -> None:
    async def hang(_: Begun) -> Receipt:
        await asyncio.sleep(60)
        raise AssertionError

    under_way = asyncio.create_task(once.carry_out("n", proposal(), hang))
    await asyncio.sleep(0.1)
    with pytest.raises(IdempotencyInProgress):
        await once.carry_out("n", proposal(), store)
    under_way.cancel()
    await asyncio.gather(under_way, return_exceptions=True)
    assert (await once.carry_out("n", proposal(), store)).document


async def test_the_element_is_noted_before_it_is_tried(once: Once) -> None:
    async def move_on(begun: Begun) -> Receipt:
        await begun.note("edit-1")
        await begun.note("edit-2")
        raise ElementUnavailable

    with pytest.raises(ElementUnavailable):
        await once.carry_out("n", proposal(), move_on)

    async def look(begun: Begun) -> Receipt:
        assert begun.record.element_id == "edit-2"
        return await store(begun)

    await once.carry_out("n", proposal(), look)


async def test_no_other_element_is_tried_when_that_cannot_be_noted(once: Once, redis: RedisClient) -> None:
    async def forgotten_meanwhile(begun: Begun) -> Receipt:
        await redis.flushdb()
        await begun.note("edit-2")
        raise AssertionError

    with pytest.raises(IdempotencyUnavailable):
        await once.carry_out("n", proposal(), forgotten_meanwhile)


async def test_the_lease_is_renewed_while_the_work_goes_on(
    once: Once, redis: RedisClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once_room, "RENEW_S", 0.05)

    async def long_work(begun: Begun) -> Receipt:
        (lease,) = [key async for key in redis.scan_iter("*lease")]
        await redis.pexpire(lease, 1000)
        await asyncio.sleep(0.2)
        assert await redis.pttl(lease) > 10_000
        return await store(begun)

    await once.carry_out("n", proposal(), long_work)
