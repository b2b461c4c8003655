"""Entries are delivered in order and once, whatever the log answers."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from artstore_kit.audit import sender as sending
from artstore_kit.audit.opening import deliver_from, open_spool
from artstore_kit.audit.sender import Sender
from artstore_kit.audit.spool import Spool, line_of
from artstore_kit.contracts.audit import ENTRIES_AT_ONCE, AuditReceipt, new_entry_id
from artstore_kit.contracts.errors import DependencyUnavailable
from artstore_kit.health import Health
from artstore_kit.settings import AuditSettings
from artstore_kit.testing.audit import ReceivingLog, entry
from artstore_kit.testing.disks import fill
from artstore_kit.testing.patience import eventually
from artstore_kit.workers import Background

type OpenSpool = Callable[..., Spool]


async def test_what_waits_is_delivered_in_order(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool(limit_bytes=2**24)
    spool.add(told := [entry(resource=f"file:{number}") for number in range(ENTRIES_AT_ONCE + 1)])
    await Sender(spool, log.append).round()
    assert log.entries == told
    assert log.batches == [ENTRIES_AT_ONCE, 1]


async def test_what_is_delivered_is_not_told_again(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    sender = Sender(spool, log.append)
    spool.add([entry()])
    await sender.round()
    spool.add([entry("file.remove")])
    await sender.round()
    assert log.batches == [1, 1]
    assert log.actions == ["file.read", "file.remove"]


async def test_an_outage_loses_nothing(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    log.failure = DependencyUnavailable()
    sender = Sender(spool, log.append)
    spool.add(told := [entry(), entry()])
    with pytest.raises(DependencyUnavailable):
        await sender.round()
    log.failure = None
    spool = open_spool()
    await Sender(spool, log.append).round()
    assert log.entries == told


async def test_a_receipt_that_got_lost_makes_no_second_entry(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    spool.add(told := [entry()])
    await Sender(spool, log.append).round()
    (spool.directory / "cursor").unlink()
    await Sender(open_spool(), log.append).round()
    assert log.batches == [1, 1]
    assert log.entries == told


async def test_an_outage_is_one_gap_however_often_it_is_tried(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    sender = Sender(spool, log.append)
    log.failure = DependencyUnavailable()
    for _ in range(800):
        spool.note(line_of(entry()))
        with pytest.raises(DependencyUnavailable):
            await sender.round()
    assert (not_kept := spool.gap.count) > 50
    while spool.size_bytes < spool.limit_bytes * 31 // 32:  # the last eighth is there, for changes
        spool.add([entry("file.remove")])
    log.failure = None
    await sender.round()
    await sender.round()
    assert log.entries[-1].action == "audit.gap"
    assert log.entries[-1].detail["not_kept"] == not_kept
    assert (log.actions.count("audit.gap"), log.actions.count("file.read")) == (1, 800 - not_kept)
    assert not spool.gap.count


async def test_a_round_ends_whatever_is_added_meanwhile(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()

    async def append(batch: bytes) -> AuditReceipt:
        spool.add([entry()])
        return await log.append(batch)

    spool.add([entry()])
    sender = Sender(spool, append)
    await sender.round()
    await sender.round()
    assert log.batches == [1, 1]


async def test_to_deliver_an_entry_costs_next_to_nothing(open_spool: OpenSpool) -> None:
    """About 3 microseconds of the event loop. To read it as an entry and to write it again took 27."""
    spool = open_spool(limit_bytes=2**24)
    entries = [entry(actor="alice", resource=f"file:{number}", detail={"size": number}) for number in range(3000)]
    spool.add(entries)

    async def deliver(_: bytes) -> AuditReceipt:
        return AuditReceipt(appended=ENTRIES_AT_ONCE, known_before=0)

    sender = Sender(spool, deliver)
    began = time.process_time()
    await sender.round()
    assert (time.process_time() - began) / len(entries) < 15e-6
    assert sender._outgoing.waiting == 0


async def test_health_tells_that_entries_wait(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    log.failure = DependencyUnavailable()
    sender = Sender(spool, log.append)
    assert (await sender.check()).health is Health.OK
    spool.add([entry(entry_id=new_entry_id(1_700_000_000_000))])
    with pytest.raises(DependencyUnavailable):
        await sender.round()
    found = await sender.check()
    assert found.health is Health.DEGRADED
    assert found.detail.startswith("1 entries wait for the audit log")
    log.failure = None
    await sender.round()
    assert (await sender.check()).health is Health.OK


async def test_health_tells_of_a_spool_that_is_nearly_full(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    sender = Sender(spool, log.append)
    while spool.size_bytes < sending.NEARLY_FULL_SHARE * spool.limit_bytes:
        spool.add([entry()])
    assert "in the audit spool" in (await sender.check()).detail
    spool.fault = "The audit spool could not be synced."
    assert (await sender.check()).detail == spool.fault


async def test_health_tells_that_entries_are_not_kept(
    open_spool: OpenSpool, log: ReceivingLog, small_disk: Path
) -> None:
    """A disk that others have filled is no sign of a spool that is nearly full."""
    spool = open_spool(limit_bytes=2**24, directory=small_disk / "spool")
    sender = Sender(spool, log.append)
    filler = fill(small_disk)
    spool.note(line_of(entry(detail={"long": "x" * 4000})))
    found = await sender.check()
    assert (found.health, found.detail) == (Health.DEGRADED, "1 entries of the audit log found no room")
    filler.unlink()
    await sender.round()
    assert (await sender.check()).health is Health.OK


async def test_a_service_delivers_beside_its_requests(
    new_spool: Callable[[], AuditSettings], log: ReceivingLog
) -> None:
    async with Background() as background:
        spool = await open_spool(background, new_spool(), "query-module")
        check = await deliver_from(background, spool, log.append)
        spool.add([entry()])
        await eventually(lambda: _has(log, 1))
        assert (await check.run()).health is Health.OK
        await asyncio.wait_for(spool.synced(), 2)


async def _has(log: ReceivingLog, count: int) -> bool:
    return len(log.entries) == count
