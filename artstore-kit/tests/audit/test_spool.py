"""What was added is kept, in order and once, whatever happens to the process and its disk."""

import asyncio
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from artstore_kit.audit import segments
from artstore_kit.audit.outgoing import Outgoing, Piece
from artstore_kit.audit.segments import path_of
from artstore_kit.audit.slate import SIZE_BYTES, Slate
from artstore_kit.audit.spool import Spool, line_of
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AuditSpoolFault, AuditSpoolFull
from artstore_kit.settings import AuditSettings
from artstore_kit.start import StartRefused
from artstore_kit.testing.audit import entry

SMALL = 2**16

type OpenSpool = Callable[..., Spool]


def read(spool: Spool) -> list[AuditEntry]:
    """All that waits, as the next reader finds it."""
    outgoing, found = Outgoing(spool), list[AuditEntry]()
    while (piece := outgoing.piece(spool.extents())).after != outgoing.cursor:
        found += [AuditEntry.model_validate_json(line) for line in piece.lines]
        outgoing.cursor = piece.after
    return found


def fill(spool: Spool) -> None:
    """Until two entries of accesses found no room."""
    while spool.gap.count < 2:
        spool.note(line_of(entry()))


def test_what_was_added_is_there_for_the_next_process(open_spool: OpenSpool) -> None:
    told = [entry(resource=f"file:{number}") for number in range(5)]
    spool = open_spool()
    spool.add(told[:2])
    spool.note(line_of(told[2]))
    later = open_spool()
    later.add(told[3:])
    assert read(later) == told


def test_a_torn_tail_is_passed_over(open_spool: OpenSpool) -> None:
    told = [entry() for _ in range(3)]
    open_spool().add(told[:2])
    path = path_of(open_spool().directory, 1)
    path.write_bytes(path.read_bytes()[:-9])
    spool = open_spool()
    spool.add(told[2:])
    assert read(spool) == [told[0], told[2]]
    assert Outgoing(spool).piece([spool.extents()[0]]).torn == 0
    outgoing = Outgoing(spool)
    outgoing.advance(outgoing.piece(spool.extents()))
    assert outgoing.piece(spool.extents()).torn == 1


def test_a_sector_of_zeros_hides_nothing_behind_it(open_spool: OpenSpool) -> None:
    """As a power cut may leave them: what follows in the segment is read."""
    told = entry()
    directory = open_spool().directory
    path_of(directory, 1).write_bytes(bytes(600_000) + b"\n" + line_of(told))
    spool = open_spool(limit_bytes=2**24)
    outgoing, lines = Outgoing(spool), list[bytes]()
    while (piece := outgoing.piece(spool.extents())).after != outgoing.cursor:
        lines += piece.lines
        outgoing.cursor = piece.after
    assert AuditEntry.model_validate_json(lines[-1]) == told
    assert len(lines) == 2


def test_segments_go_when_all_of_them_is_delivered(open_spool: OpenSpool) -> None:
    spool = open_spool()
    while len(spool.ended) < 3:
        spool.add([entry()])
    spool.add([entry()])
    outgoing = Outgoing(spool)
    while (piece := outgoing.piece(spool.extents())).lines:
        outgoing.advance(piece)
    assert list(segments.sizes_in(spool.directory)) == [spool.extents()[-1].number]
    assert spool.size_bytes == spool.extents()[-1].size
    assert outgoing.waiting == 0


def test_the_cursor_outlives_the_process(open_spool: OpenSpool) -> None:
    told = [entry(), entry()]
    spool = open_spool()
    spool.add(told[:1])
    outgoing = Outgoing(spool)
    outgoing.advance(outgoing.piece(spool.extents()))
    spool.add(told[1:])
    assert read(open_spool()) == told[1:]
    assert Outgoing(open_spool()).waiting == 1


def test_without_a_readable_cursor_all_is_told_again(open_spool: OpenSpool) -> None:
    spool = open_spool()
    spool.add(told := [entry(), entry()])
    outgoing = Outgoing(spool)
    outgoing.advance(outgoing.piece(spool.extents()))
    (spool.directory / "cursor").write_bytes(os.urandom(SIZE_BYTES))
    assert read(open_spool()) == told


def test_a_cursor_behind_what_a_power_cut_left_is_an_end(open_spool: OpenSpool) -> None:
    spool = open_spool()
    spool.add([entry()])
    outgoing = Outgoing(spool)
    outgoing.advance(outgoing.piece(spool.extents()))
    path_of(spool.directory, 1).write_bytes(b"")
    spool = open_spool()
    spool.add(told := [entry()])
    assert read(spool) == told


def test_what_comes_after_two_quiet_starts_is_delivered(open_spool: OpenSpool) -> None:
    """The first delivers what lay there, and nothing is left; the second must not begin before the cursor."""
    open_spool().add([entry()])
    outgoing = Outgoing(spool := open_spool())
    while (piece := outgoing.piece(spool.extents())).after != outgoing.cursor:
        outgoing.advance(piece)
    assert spool.extents() == []
    open_spool()
    spool = open_spool()
    spool.add(told := [entry()])
    assert read(spool) == told


def test_a_full_spool_refuses_changes_and_keeps_none_of_them(open_spool: OpenSpool) -> None:
    spool = open_spool()
    kept = list[AuditEntry]()
    while spool.size_bytes < SMALL - 500:
        spool.add(pair := [entry(), entry()])
        kept += pair
    with pytest.raises(AuditSpoolFull):
        spool.add([entry() for _ in range(5)])
    assert spool.size_bytes <= SMALL
    assert read(spool) == kept


def test_what_a_journal_holds_is_kept_as_long_as_the_disk_has_room(open_spool: OpenSpool) -> None:
    spool = open_spool()
    kept = [entry() for _ in range(1000)]
    for each in kept:
        spool.keep([line_of(each)])
    assert spool.size_bytes > SMALL
    assert read(spool) == kept
    spool.note(line_of(entry()))
    assert spool.gap.count == 1


def test_what_was_read_leaves_room_for_changes_and_is_counted(open_spool: OpenSpool) -> None:
    spool = open_spool()
    fill(spool)
    spool.add([entry("file.remove")])
    assert read(spool)[-1].action == "file.remove"
    assert open_spool().gap.count == 2


def test_a_gap_leaves_the_room_of_changes_alone(open_spool: OpenSpool) -> None:
    spool = open_spool()
    fill(spool)
    size_bytes = spool.size_bytes
    with pytest.raises(AuditSpoolFull):
        spool.tell_gap()
    assert (spool.gap.count, spool.size_bytes) == (2, size_bytes)


def test_a_gap_is_told_when_there_is_room_again(open_spool: OpenSpool) -> None:
    spool = open_spool()
    fill(spool)
    outgoing = Outgoing(spool)
    while spool.gap.count:
        outgoing.advance(outgoing.piece(spool.extents()))
        with suppress(AuditSpoolFull):
            spool.tell_gap()
    told = read(spool)[-1]
    assert (told.action, told.outcome, told.code, told.detail["not_kept"]) == (
        "audit.gap",
        "failed",
        "audit_spool_full",
        2,
    )
    assert (told.service, told.node) == (spool.service, spool.node)
    assert told.detail["first_ms"] <= told.detail["last_ms"]  # type: ignore[operator]
    assert open_spool().gap.count == 0


def test_a_gap_that_was_told_but_not_forgotten_is_the_same_entry(open_spool: OpenSpool) -> None:
    gap = open_spool().gap
    gap.widen(1_700_000_000_000)
    assert gap.entry("query-module", "") == open_spool().gap.entry("query-module", "")


def test_a_write_of_half_a_line_leaves_nothing(open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = open_spool()
    spool.add(told := [entry()])
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    with pytest.raises(AuditSpoolFull):
        spool.add([entry()])
    monkeypatch.undo()
    spool.add(more := [entry()])
    assert read(spool) == told + more


async def test_synced_waits_for_the_disk(open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    spool = open_spool()
    monkeypatch.setattr(os, "fdatasync", synced.append)
    spool.add([entry()])
    await asyncio.gather(spool.synced(), spool.synced())
    assert len(synced) == 1
    await spool.synced()
    assert len(synced) == 1


async def test_every_segment_is_synced(open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[int] = set()
    monkeypatch.setattr(segments.Segment, "sync", lambda segment: synced.add(segment.number))
    spool = open_spool()
    while len(spool.ended) < 3:
        spool.add([entry()])
    await spool.synced()
    assert synced == {extent.number for extent in spool.extents()}


async def test_what_is_added_while_a_segment_is_synced_is_synced_too(
    open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = open_spool()
    spool.add([entry()])
    lengths: list[int] = []
    sync = segments.Segment.sync

    def sync_and_go_on(segment: segments.Segment) -> None:
        lengths.append(segment.size)
        sync(segment)
        while not spool.ended:
            spool.add([entry()])

    monkeypatch.setattr(segments.Segment, "sync", sync_and_go_on)
    await spool.synced()
    await spool.synced()
    assert lengths[-1] == spool.ended[1] > lengths[0]


async def test_a_failed_sync_is_not_tried_again(open_spool: OpenSpool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    spool = open_spool()
    monkeypatch.setattr(os, "fdatasync", fail)
    spool.add(told := [entry()])
    with pytest.raises(AuditSpoolFault):
        await spool.synced()
    monkeypatch.undo()
    with pytest.raises(AuditSpoolFault):
        await spool.synced()
    assert read(spool) == told


def test_a_directory_has_one_process(open_spool: OpenSpool) -> None:
    spool = open_spool()
    settings = AuditSettings(spool_dir=spool.directory, spool_limit_bytes=SMALL)
    with pytest.raises(StartRefused, match="another process"):
        Spool.opened(settings, "query-module")


def test_a_directory_that_cannot_be_used_says_so(tmp_path: Path, open_spool: OpenSpool) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartRefused, match="cannot be used"):
        open_spool(directory=tmp_path / "file")


def test_a_slate_that_was_never_written_is_empty(tmp_path: Path) -> None:
    slate = Slate(tmp_path / "slate")
    assert slate.read() == {}
    slate.write(one=1)
    assert Slate(tmp_path / "slate").read() == {"one": 1}
    slate.close()


def test_the_moment_of_a_piece_is_that_of_its_first_entry(open_spool: OpenSpool) -> None:
    spool = open_spool()
    spool.add(told := [entry()])
    assert Outgoing(spool).piece(spool.extents()).begun_ms == told[0].entry_id.int >> 80
    assert Piece([b"not an entry\n"], Outgoing(spool).cursor).begun_ms is None
