"""Requests with an `Idempotency-Key`: carried out once, answered as often as asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from artstore_kit.contracts.errors import (
    ArtStoreError,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    IdempotencyUnavailable,
    RedisUnavailable,
)
from artstore_kit.logs import event_logger
from ingester_module import metrics
from ingester_module.adapters.idempotency import LEASE_MS, IdempotencyRecords, Lease
from ingester_module.domain.idempotency import Record, nothing_was_stored
from ingester_module.domain.outcome import Receipt

RENEW_S = LEASE_MS / 1000 / 3


@dataclass
class Begun:
    """A request that is ours to carry out. `repeated`: an earlier one may have stored the file of `record`."""

    record: Record
    repeated: bool
    lease: Lease

    async def note(self, element_id: str) -> None:
        """Remember where the file is tried next, before it is: a repetition has to ask there."""
        if element_id == self.record.element_id:
            return
        self.record = self.record.model_copy(update={"element_id": element_id})
        try:
            kept = await self.lease.write(self.record)
        except RedisUnavailable:
            kept = False
        if not kept:
            raise IdempotencyUnavailable(headers={"Retry-After": "1"})


class Once:
    """Keeps a repeated request from having a second effect."""

    def __init__(self, records: IdempotencyRecords) -> None:
        self._records = records

    async def carry_out(self, name: str, proposal: Record, work: Callable[[Begun], Awaitable[Receipt]]) -> Receipt:
        """`work`, unless it is done already: then its former answer."""
        claim = await self._records.claim(name, proposal)
        if (known := claim.known) and (known.fingerprint != proposal.fingerprint or known.answer is not None):
            if claim.lease:
                await _release(claim.lease)
            return _former(known, proposal)
        if claim.lease is None:
            raise IdempotencyInProgress(headers={"Retry-After": "1"})
        return await _carried_out(Begun(known or proposal, known is not None, claim.lease), work)


def _former(known: Record, proposal: Record) -> Receipt:
    if known.fingerprint != proposal.fingerprint:
        raise IdempotencyKeyReused
    metrics.REPLAYED.inc()
    return Receipt(known.file_id, (known.answer or "").encode(), replayed=True)


async def _carried_out(begun: Begun, work: Callable[[Begun], Awaitable[Receipt]]) -> Receipt:
    """The record outlives whatever leaves the file's fate open; a request that stored nothing is forgotten."""
    stored = forget = False
    try:
        async with _renewed(begun.lease):
            receipt = await work(begun)
        stored = True
    except ArtStoreError as error:
        forget = not begun.repeated and nothing_was_stored(error)
        raise
    finally:
        if not stored:
            await _release(begun.lease, forget=forget)
    await _finish(begun, receipt)
    return receipt


async def _finish(begun: Begun, receipt: Receipt) -> None:
    """The file is stored, whatever happens here: without its record a repetition finds it at its element."""
    record = begun.record.model_copy(update={"answer": receipt.document.decode()})
    try:
        kept = await begun.lease.finish(record)
    except RedisUnavailable:
        kept = False
    if not kept:
        event_logger().warning("answer not remembered for its Idempotency-Key", file_id=str(receipt.file_id))


async def _release(lease: Lease, *, forget: bool = False) -> None:
    """A lease that cannot be given back ends by itself."""
    try:
        await lease.release(forget=forget)
    except RedisUnavailable:
        event_logger().warning("lease on an Idempotency-Key not given back")


@asynccontextmanager
async def _renewed(lease: Lease) -> AsyncIterator[None]:
    task = asyncio.create_task(_renew_for_good(lease))
    try:
        yield
    finally:
        task.cancel()


async def _renew_for_good(lease: Lease) -> None:
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            await lease.renew()
        except RedisUnavailable:
            continue  # the next time may be in time
