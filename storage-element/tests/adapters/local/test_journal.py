"""The journal on a real file system: what was acknowledged comes back, what was not goes, doubt changes nothing."""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fences import taken_over

from artstore_kit.contracts.ids import new_file_id
from storage_element.adapters.local.disk import make_directories
from storage_element.adapters.local.journal import Journal, read_journal
from storage_element.domain import layout
from storage_element.domain.records import Kind, Record, frame_bytes
from storage_element.domain.segment_header import HEADER_BYTES
from storage_element.domain.storage import JournalBroken, JournalDamaged, JournalFull

SEGMENT_BYTES = 64 * 1024


@pytest.fixture
def directory(root: Path) -> Path:
    make_directories(root / layout.JOURNAL)
    return root / layout.JOURNAL


@pytest.fixture
def journal(directory: Path) -> Iterator[Journal]:
    journal = master(directory)
    journal.start(1, epoch=3)
    yield journal
    journal.close()


def master(directory: Path, segment_bytes: int = SEGMENT_BYTES) -> Journal:
    return Journal(directory, "edit-1", segment_bytes, taken_over(directory.parent))


def found(directory: Path) -> list[Record]:
    """What somebody reads who is not the master."""
    return list(read_journal(directory, "edit-1"))


def records(first: int, count: int = 1, content: bytes = b"content") -> list[Record]:
    return [
        Record(lsn, 3, Kind.CREATE_INLINE, new_file_id(), b'{"lsn": %d}' % lsn, content)
        for lsn in range(first, first + count)
    ]


def append(journal: Journal, count: int = 1, content: bytes = b"content") -> list[Record]:
    batch = records(journal.next_lsn, count, content)
    journal.append(batch)
    return batch


def only_segment(directory: Path) -> Path:
    (segment,) = directory.glob("*.wal")
    return segment


def test_what_was_appended_is_read_back(journal: Journal, directory: Path) -> None:
    written = append(journal) + append(journal, 5) + append(journal, 1, b"")
    assert found(directory) == written
    assert (journal.next_lsn, journal.durable_lsn) == (8, 7)
    assert only_segment(directory).name == "00000000000000000001.wal"
    assert only_segment(directory).stat().st_size == SEGMENT_BYTES


def test_a_new_journal_holds_nothing(journal: Journal, directory: Path) -> None:
    assert found(directory) == []
    assert list(read_journal(directory / "absent", "edit-1")) == []


def test_segments_follow_each_other(journal: Journal, directory: Path) -> None:
    written = [record for _ in range(10) for record in append(journal, 3, bytes(5000))]
    names = [path.stem.lstrip("0") for path in journal.segments()]
    assert len(names) == 3
    assert found(directory) == written


def test_a_record_may_be_larger_than_a_segment(journal: Journal, directory: Path) -> None:
    written = append(journal) + append(journal, 1, bytes(3 * SEGMENT_BYTES)) + append(journal)
    assert found(directory) == written
    sizes = [path.stat().st_size for path in journal.segments()]
    assert sizes[1] > 3 * SEGMENT_BYTES


def test_rotation_closes_what_a_checkpoint_may_drop(journal: Journal, directory: Path) -> None:
    assert journal.rotate() == []
    append(journal, 3)
    assert journal.written_bytes > 0
    closed = journal.rotate()
    assert (journal.written_bytes, [path.name for path in closed]) == (0, ["00000000000000000001.wal"])
    kept = append(journal)
    journal.drop(closed)
    assert [path.name for path in journal.segments()] == ["00000000000000000004.wal"]
    assert found(directory) == kept


def test_segments_are_dropped_oldest_first(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    for _ in range(3):
        append(journal)
        closed = journal.rotate()
    dropped: list[str] = []
    monkeypatch.setattr(Path, "unlink", lambda path: dropped.append(path.name))
    journal.drop(closed[::-1])
    assert dropped == sorted(path.name for path in closed)


def test_a_torn_tail_is_passed_over_and_the_earlier_records_survive(journal: Journal, directory: Path) -> None:
    """Cut at every byte of the last batch, or with every later byte still zero, as a power cut may leave it."""
    earlier = append(journal, 3)
    begins = HEADER_BYTES + sum(map(frame_bytes, earlier))
    last = append(journal, 2)
    path = only_segment(directory)
    whole = path.read_bytes()
    ends = begins + sum(map(frame_bytes, last))
    first_ends = begins + frame_bytes(last[0])
    for at in range(begins, ends):
        survive = earlier if at < first_ends - 7 else None
        for torn in (whole[:at], whole[:at].ljust(len(whole), b"\0")):
            path.write_bytes(torn)
            read = found(directory)
            assert read in (earlier, earlier + last[:1], earlier + last)
            assert survive is None or read == survive


def test_a_torn_tail_is_left_as_it_is(journal: Journal, directory: Path) -> None:
    earlier = append(journal, 3)
    append(journal, 2)
    path = only_segment(directory)
    torn = bytearray(path.read_bytes())
    begins = HEADER_BYTES + sum(map(frame_bytes, earlier))
    torn[begins + 20] ^= 1
    path.write_bytes(torn)
    assert found(directory) == earlier
    assert path.read_bytes() == torn


def test_damage_where_it_was_acknowledged_stops_and_changes_nothing(journal: Journal, directory: Path) -> None:
    for _ in range(4):
        append(journal)
    path = only_segment(directory)
    whole = path.read_bytes()
    size = frame_bytes(records(1)[0])
    for number in range(3):
        for at in range(0, size, 5):
            damaged = bytearray(whole)
            damaged[HEADER_BYTES + number * size + at] ^= 0x10
            path.write_bytes(damaged)
            with pytest.raises(JournalDamaged, match=f"LSN {number + 1} .*acknowledged"):
                found(directory)
            assert path.read_bytes() == damaged


def test_an_unacknowledged_batch_does_not_count_though_its_later_frames_survived(
    journal: Journal, directory: Path
) -> None:
    earlier = append(journal)
    append(journal, 5)
    path = only_segment(directory)
    whole = bytearray(path.read_bytes())
    size = frame_bytes(earlier[0])
    whole[HEADER_BYTES + size : HEADER_BYTES + 2 * size] = bytes(size)
    path.write_bytes(whole)
    assert found(directory) == earlier


def test_damage_at_the_end_of_a_closed_segment_changes_nothing(journal: Journal, directory: Path) -> None:
    append(journal, 2)
    closed = journal.rotate()[0]
    append(journal)
    damaged = bytearray(closed.read_bytes())
    damaged[HEADER_BYTES + 100] ^= 1
    closed.write_bytes(damaged)
    with pytest.raises(JournalDamaged, match="begins at LSN 3"):
        found(directory)
    assert closed.read_bytes() == damaged


def test_content_that_holds_a_journal_does_not_look_acknowledged(journal: Journal, directory: Path) -> None:
    """A document may be a segment of this very journal."""
    append(journal, 3)
    stolen = only_segment(directory).read_bytes().rstrip(b"\0")
    journal.rotate()
    append(journal)
    segment = journal.segments()[-1]
    evil = append(journal, 1, stolen)
    torn = bytearray(segment.read_bytes())
    torn[HEADER_BYTES + frame_bytes(records(4)[0]) + 9] ^= 1
    segment.write_bytes(torn)
    assert [record.lsn for record in found(directory)] == [1, 2, 3, 4]
    assert evil[0].lsn == 5


def test_a_gap_between_segments_is_damage(journal: Journal, directory: Path) -> None:
    for _ in range(3):
        append(journal)
        journal.rotate()
    journal.segments()[1].unlink()
    with pytest.raises(JournalDamaged, match="begins at LSN 3"):
        found(directory)


HALF_A_HEADER = b'{"format": "artstore-journal", "versi'


@pytest.mark.parametrize(
    "left", [b"", bytes(HEADER_BYTES), bytes(SEGMENT_BYTES), HALF_A_HEADER, HALF_A_HEADER.ljust(SEGMENT_BYTES, b"\0")]
)
def test_a_segment_without_a_header_was_never_used(journal: Journal, directory: Path, left: bytes) -> None:
    written = append(journal, 2)
    (directory / f"{3:020d}.wal").write_bytes(left)
    assert found(directory) == written
    again = master(directory)
    again.start(3, epoch=4)
    written += append(again)
    again.close()
    assert found(directory) == written


@pytest.mark.parametrize("left", [b"", HALF_A_HEADER])
def test_records_without_a_header_are_damage(journal: Journal, directory: Path, left: bytes) -> None:
    append(journal)
    path = only_segment(directory)
    before = left.ljust(HEADER_BYTES, b"\0") + path.read_bytes()[HEADER_BYTES:]
    path.write_bytes(before)
    with pytest.raises(JournalDamaged, match="the header cannot be read"):
        found(directory)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"edit-1"', b'"edit-2"', "belongs to the element 'edit-2'"),
        (b'"version": 2', b'"version": 3', "version 3"),
        (b'"first_lsn": 1', b'"first_lsn": 2', "first LSN 2"),
        (b"artstore-journal", b"somebody-journal", "the header cannot be read"),
        (b'{"format"', b'["format"', "the header cannot be read"),
    ],
)
def test_a_strange_header_stops(journal: Journal, directory: Path, old: bytes, new: bytes, message: str) -> None:
    append(journal)
    path = only_segment(directory)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match=message):
        found(directory)
    assert path.read_bytes() == before


def test_other_files_in_the_directory_are_left_alone(journal: Journal, directory: Path) -> None:
    (directory / "notes.wal").write_text("of the operator")
    assert append(journal) == found(directory)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_for_a_segment_leaves_nothing(
    journal: Journal, directory: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    earlier = append(journal)

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    for call in ("posix_fallocate", "open"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, full)
            for _ in range(2):
                with pytest.raises(JournalFull):
                    append(journal, 1, bytes(SEGMENT_BYTES))
        assert [path.name for path in directory.iterdir()] == ["00000000000000000001.wal"]
    later = append(journal, 1, bytes(SEGMENT_BYTES))
    assert found(directory) == earlier + later


def test_a_full_disk_leaves_nothing(small_disk: Path) -> None:
    """The real thing: 1 MiB, of which a second segment would not fit."""
    make_directories(small_disk / layout.JOURNAL)
    journal = master(small_disk / layout.JOURNAL, 600 * 1024)
    journal.start(1, epoch=1)
    written = append(journal)
    with pytest.raises(JournalFull):
        append(journal, 1, bytes(600 * 1024))
    written += append(journal)
    journal.close()
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["00000000000000000001.wal"]
    assert found(small_disk / layout.JOURNAL) == written


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_nothing_follows_in_the_older_segment_once_the_next_has_its_name(
    journal: Journal, directory: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    earlier = append(journal)

    def fails(_: Path) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("storage_element.adapters.local.journal.sync_directory", fails)
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            append(journal, 1, bytes(SEGMENT_BYTES))
    with pytest.raises(JournalBroken):
        append(journal)
    assert found(directory) == earlier


@pytest.mark.parametrize("call", ["fdatasync", "pwritev"])
def test_after_a_failed_write_nothing_more_is_taken(
    journal: Journal, directory: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Neither another batch, which would go over the doubtful one, nor another segment, which would hide it."""
    earlier = append(journal)

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fails)
        with pytest.raises(OSError, match="Input/output"):
            append(journal, 2)
    with pytest.raises(JournalBroken):
        append(journal)
    with pytest.raises(JournalBroken):
        journal.rotate()
    read = found(directory)
    assert read[:1] == earlier
    assert len(read) == (3 if call == "fdatasync" else 1)
