"""What the log refuses is kept for people, as long as there is room for it, and counted when there is not."""

from collections import deque
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import pytest

from artstore_kit.audit.aside import NAME, SHARE, Aside
from artstore_kit.audit.segments import path_of
from artstore_kit.audit.sender import Sender
from artstore_kit.audit.spool import Spool, line_of
from artstore_kit.contracts.audit import AuditEntry, AuditReceipt
from artstore_kit.contracts.errors import AuditSpoolFull, DependencyUnavailable, InvalidFields
from artstore_kit.testing.audit import ReceivingLog, entry
from artstore_kit.testing.disks import fill

type OpenSpool = Callable[..., Spool]


async def test_what_the_log_refuses_is_set_aside_alone(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    told = [entry(resource=f"file:{number}") for number in range(9)]
    log.refused, log.refusal = {told[4].entry_id}, InvalidFields()
    spool.add(told)
    await Sender(spool, log.append).round()
    assert log.entries == told[:4] + told[5:]
    aside = (spool.directory / "aside").read_bytes()
    assert AuditEntry.model_validate_json(aside) == told[4]


async def test_a_line_that_is_no_entry_is_set_aside(open_spool: OpenSpool, log: ReceivingLog) -> None:
    spool = open_spool()
    told = entry()
    path_of(spool.directory, 1).write_bytes(b"{}\n" + line_of(told) + b"\0\xff\n")
    spool = open_spool()
    await Sender(spool, log.append).round()
    assert log.entries == [told]
    assert (spool.directory / "aside").read_bytes() == b"{}\n\0\xff\n"


@pytest.mark.parametrize(
    "odd",
    [
        b'{}],"entries":[{}\n',
        b'{"entry_id":"0190\n',
        b"{} {}\n",
        b"{},{}\n",
        b"1\n",
        b"\n",
        b'"\xff"\n',
        b'{"entry_id":NaN}\n',
    ],
)
async def test_what_is_no_entry_takes_no_other_with_it(open_spool: OpenSpool, log: ReceivingLog, odd: bytes) -> None:
    spool = open_spool()
    spool.add(before := [entry()])
    spool.keep([odd])
    spool.add(after := [entry()])
    await Sender(spool, log.append).round()
    assert log.entries == before + after
    assert set_aside(spool) == [odd]


async def test_what_is_set_aside_is_so_once_though_delivery_fails_behind_it(
    open_spool: OpenSpool, log: ReceivingLog
) -> None:
    spool = open_spool()
    wrong, right = entry(), entry()

    async def append(batch: bytes) -> AuditReceipt:
        if line_of(wrong).strip() in batch:
            raise InvalidFields
        return await log.append(batch)

    spool.add([wrong, right])
    sender = Sender(spool, append)
    log.failure = DependencyUnavailable()
    for _ in range(3):
        with pytest.raises(DependencyUnavailable):
            await sender.round()
    log.failure = None
    await sender.round()
    assert set_aside(spool) == [line_of(wrong)]
    assert log.entries == [right]


async def test_wrong_entries_for_ever_fill_no_disk(open_spool: OpenSpool, log: ReceivingLog) -> None:
    """What is not kept is told as a gap."""
    spool = open_spool()
    told = 0

    async def append(batch: bytes) -> AuditReceipt:
        if b"file.read" in batch:
            raise InvalidFields
        return await log.append(batch)

    sender = Sender(spool, append)
    for _ in range(10):
        spool.add(wrong := [entry() for _ in range(20)])
        told += len(wrong)
        await sender.round()
    await sender.round()
    kept = set_aside(spool)
    assert spool.limit_bytes // SHARE - len(kept[0]) < sum(map(len, kept)) <= spool.limit_bytes // SHARE
    assert len(kept) + not_kept(log) == told
    (spool.directory / NAME).unlink()
    spool.add([entry()])
    await sender.round()
    assert len(set_aside(spool)) == 1


async def test_a_gap_that_is_refused_is_told_by_the_next_one(open_spool: OpenSpool, log: ReceivingLog) -> None:
    """As while the clock is a week ahead, and nothing at all is taken."""
    spool = open_spool()
    told = 0

    async def refuse(_: bytes) -> AuditReceipt:
        raise InvalidFields

    for _ in range(8):
        spool.add(wrong := [entry() for _ in range(20)])
        told += len(wrong)
        await Sender(spool, refuse).round()
    await Sender(spool, log.append).round()
    kept = [AuditEntry.model_validate_json(line) for line in set_aside(spool)]
    by_gaps = sum(int(str(each.detail["not_kept"])) for each in kept if each.action == "audit.gap")
    assert not_kept(log) > 0
    assert sum(each.action == "file.read" for each in kept) + by_gaps + not_kept(log) == told


async def test_a_full_disk_stops_no_delivery_and_what_it_loses_is_told(
    open_spool: OpenSpool, log: ReceivingLog, small_disk: Path
) -> None:
    spool = open_spool(limit_bytes=2**24, directory=small_disk / "spool")
    sender = Sender(spool, log.append)
    spool.add(first := [entry() for _ in range(3)])
    log.refused, log.refusal = {first[1].entry_id}, InvalidFields()
    filler = fill(small_disk)
    for _ in range(100):  # until the last page of the segment is full, there is room
        spool.note(line_of(entry("file.search")))
    for refusing in (spool.add, lambda entries: spool.keep(list(map(line_of, entries)))):
        with pytest.raises(AuditSpoolFull, match="No space left"):
            refusing([entry("file.remove") for _ in range(50)])
    await sender.round()
    assert first[0] in log.entries
    assert first[2] in log.entries
    filler.unlink()
    spool.add(later := [entry("file.remove")])
    await sender.round()
    await sender.round()
    assert later[0] in log.entries
    assert log.actions.count("audit.gap") == 1
    assert log.actions.count("file.search") + not_kept(log) == 100 + 1
    assert set_aside(spool) == []


def test_half_a_line_is_not_set_aside(small_disk: Path) -> None:
    aside = Aside(small_disk, 2**24)
    aside.put(line := line_of(entry()))
    fill(small_disk)
    with pytest.raises(AuditSpoolFull, match="No space left"):
        deque(map(aside.put, repeat(line)), maxlen=0)
    assert set(aside.path.read_bytes().splitlines(keepends=True)) == {line}


def set_aside(spool: Spool) -> list[bytes]:
    path = spool.directory / NAME
    return path.read_bytes().splitlines(keepends=True)


def not_kept(log: ReceivingLog) -> int:
    """Of all gaps together."""
    return sum(int(str(each.detail["not_kept"])) for each in log.entries if each.action == "audit.gap")
