"""A journal that an element of an earlier version has left is replayed like any other: its records have no origin."""

import json
from pathlib import Path

from element_core import open_core
from running_element import ELEMENT_ID

from artstore_kit.contracts.files import FileAttributes
from storage_element.adapters.local.disk import make_directories
from storage_element.adapters.local.journal import read_journal
from storage_element.adapters.s3.segments import from_bytes
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.domain.segment_header import HEADER_BYTES, VERSION, SegmentHeader

LEFT_BEHIND = Path(__file__).with_name("journal-version-1.wal").read_bytes()
NAME = f"{1:020d}.wal"
SUPERBLOCK = {
    "format": "artstore-element",
    "version": 1,
    "element_id": ELEMENT_ID,
    "mode": "edit",
    "epoch": 1,
    "checkpoint_lsn": 0,
    "checkpoint_epoch": 1,
    "created_at": "2026-11-23T18:25:08.807124Z",
}
KINDS = [Kind.CREATE_INLINE, Kind.CREATE_INLINE, Kind.CHANGE, Kind.REMOVE, Kind.REPLACE_INLINE]


def left_behind(root: Path) -> Path:
    """The element as the kill left it; the journal's directory."""
    make_directories(root)
    for name in (layout.JOURNAL, f"{layout.STAGING}/1"):
        make_directories(root / name)
    (root / layout.SUPERBLOCK).write_text(json.dumps(SUPERBLOCK))
    (root / layout.JOURNAL / NAME).write_bytes(LEFT_BEHIND)
    return root / layout.JOURNAL


def test_its_records_are_read_and_have_no_origin(root: Path) -> None:
    records = list(read_journal(left_behind(root), ELEMENT_ID))
    assert [(record.lsn, record.kind) for record in records] == list(enumerate(KINDS, 1))
    assert {record.origin for record in records} == {b""}
    assert [record.content for record in records] == [b"first", b"second", b"", b"", b"third"]


def test_it_is_read_out_of_a_bucket_too() -> None:
    whole = LEFT_BEHIND.rstrip(b"\0")
    segment = from_bytes(f"{layout.JOURNAL}/{NAME}", whole + bytes(-len(whole) % 8), ELEMENT_ID)
    assert [record.kind for record in segment.records] == KINDS


async def test_it_is_replayed(root: Path) -> None:
    first, second, *_ = (record.file_id for record in read_journal(left_behind(root), ELEMENT_ID))
    async with open_core(root) as core:
        file = FileAttributes.model_validate_json(await core.storage.files.read_attributes(first))
        assert (file.revision, file.tags, file.content.version) == (3, [], 2)
        assert (root / layout.content_path(first, 2)).read_bytes() == b"third"
        assert not await core.storage.files.taken([second])
        [segment] = (root / layout.JOURNAL).glob("*.wal")
        header = SegmentHeader.parse(segment.read_bytes()[:HEADER_BYTES], segment.name, ELEMENT_ID, 6)
        assert header.first_lsn == 6
        assert json.loads(segment.read_bytes()[:HEADER_BYTES])["version"] == VERSION == 2
