"""Frames: what went in comes out, and what was damaged never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.ids import new_file_id
from storage_element.domain.records import (
    ALIGNMENT,
    HEADER_BYTES,
    BadFrame,
    Kind,
    Record,
    UnknownKind,
    decode,
    encode,
    frame_bytes,
    frames_after,
)

SALT = 0xC0FFEE

records = st.builds(
    Record,
    lsn=st.integers(1, 2**64 - 1),
    epoch=st.integers(0, 2**64 - 1),
    kind=st.sampled_from(Kind),
    file_id=st.uuids(),
    attributes=st.binary(max_size=200),
    content=st.binary(max_size=300),
    staging=st.uuids(),
    origin=st.binary(max_size=100),
)


def record(lsn: int = 7, content: bytes = b"content") -> Record:
    return Record(lsn, 2, Kind.CREATE_INLINE, new_file_id(), b'{"a": 1}', content)


@given(records, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=20))
def test_a_record_comes_out_as_it_went_in(each: Record, durable_lsn: int, salt: int, before: bytes) -> None:
    frame = encode(each, durable_lsn, salt)
    assert len(frame) == frame_bytes(each)
    assert len(frame) % ALIGNMENT == 0
    found = decode(before + frame + b"after", len(before), salt)
    assert (found.record, found.durable_lsn, found.size) == (each, durable_lsn, len(frame))


def test_every_flipped_bit_makes_a_bad_frame() -> None:
    frame = encode(record(), 6, SALT)
    for bit in range(len(frame) * 8):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadFrame):
            decode(bytes(damaged) + bytes(1000), 0, SALT)


def test_every_torn_end_makes_a_bad_frame() -> None:
    frame = encode(record(), 6, SALT)
    for length in range(len(frame)):
        with pytest.raises(BadFrame):
            decode(frame[:length], 0, SALT)
        if length < len(frame.rstrip(b"\0")):
            with pytest.raises(BadFrame):
                decode(frame[:length].ljust(len(frame), b"\0"), 0, SALT)


@given(st.binary(max_size=HEADER_BYTES * 2))
def test_noise_is_no_frame(noise: bytes) -> None:
    with pytest.raises(BadFrame):
        decode(noise, 0, SALT)
    assert list(frames_after(noise, 0, SALT)) == []


def test_an_intact_record_of_a_later_version_is_told_apart() -> None:
    frame = encode(Record(1, 1, 9, new_file_id(), b""), 0, SALT)  # type: ignore[arg-type]
    with pytest.raises(UnknownKind, match="kind 9"):
        decode(frame, 0, SALT)


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_later_frames_are_found_behind_a_damaged_one(all_records: list[Record], data: st.DataObject) -> None:
    frames = [encode(each, 0, SALT) for each in all_records]
    at = data.draw(st.integers(0, len(frames[0]) - 1))
    segment = bytearray(b"".join(frames))
    segment[at] ^= 0xFF
    assert [frame.record for frame in frames_after(bytes(segment), 0, SALT)] == all_records[1:]


def test_content_that_looks_like_a_frame_is_none() -> None:
    """Somebody who uploads a piece of a journal, or a forged one, cannot make a torn tail look acknowledged."""
    forged = encode(record(lsn=8), 2**64 - 1, salt=0)
    segment = bytearray(encode(record(content=forged), 6, SALT))
    segment[10] ^= 1
    assert list(frames_after(bytes(segment), 0, SALT)) == []
