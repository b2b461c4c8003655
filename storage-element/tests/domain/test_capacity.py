"""When an element is full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.elements import Fullness
from artstore_kit.contracts.errors import StorageFull
from storage_element.domain.capacity import RESERVED_INODES, Room, capacity, has_room

GIB = 2**30


@pytest.mark.parametrize(
    ("free_bytes", "fullness"),
    [
        (100 * GIB, Fullness.OK),
        (11 * GIB, Fullness.OK),
        (10 * GIB, Fullness.WARNING),
        (5 * GIB, Fullness.CRITICAL),
        (GIB + 1, Fullness.CRITICAL),
        (GIB, Fullness.FULL),
        (0, Fullness.FULL),
    ],
)
def test_fullness_grows_as_room_shrinks(free_bytes: int, fullness: Fullness) -> None:
    assert capacity(Room(100 * GIB, free_bytes), reserve_bytes=GIB).fullness is fullness


def test_an_element_is_full_when_its_inodes_are_used_up() -> None:
    room = Room(100 * GIB, 90 * GIB, RESERVED_INODES)
    assert capacity(room, 0).fullness is Fullness.FULL
    with pytest.raises(StorageFull, match="inodes"):
        has_room(room, 0, 0, 0)
    assert capacity(Room(100 * GIB, 90 * GIB, RESERVED_INODES + 1), 0).fullness is Fullness.OK
    assert capacity(Room(0, 0), 0).fullness is Fullness.FULL


@given(*[st.integers(0, 2**50)] * 4)
def test_what_is_promised_and_reserved_is_not_given_twice(free: int, size: int, promised: int, reserve: int) -> None:
    fits = size + promised + reserve <= free
    try:
        has_room(Room(2**50, free), size, promised, reserve)
    except StorageFull:
        assert not fits
    else:
        assert fits
