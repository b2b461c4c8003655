"""When an element is full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artstore_kit.contracts.elements import Fullness
from artstore_kit.contracts.errors import StorageFull
from storage_element.domain.capacity import RESERVED_INODES, Filling, Room, capacity, has_room, thresholds
from storage_element.domain.growth import Growth

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


TIB = 1024 * GIB
DAY_S = 86_400


@pytest.mark.parametrize(
    ("total_bytes", "a_day_bytes", "warning_bytes", "critical_bytes"),
    [
        (100 * GIB, 0, 10 * GIB, 5 * GIB),
        (100 * TIB, 0, 64 * GIB, 16 * GIB),
        (100 * TIB, TIB, 7 * TIB, TIB),
        (100 * GIB, 8 * GIB, 40 * GIB, 8 * GIB),
        (100 * GIB, 500 * GIB, 40 * GIB, 20 * GIB),
    ],
)
def test_thresholds_follow_the_growth_within_their_bounds(
    total_bytes: int, a_day_bytes: int, warning_bytes: int, critical_bytes: int
) -> None:
    found = thresholds(total_bytes, Filling(growth_bytes_per_s=a_day_bytes / DAY_S))
    assert [round(each) for each in found] == [warning_bytes, critical_bytes]


@given(total=st.integers(0, 2**60), growth=st.floats(0, 2**50))
def test_a_warning_comes_before_it_is_critical(total: int, growth: float) -> None:
    warning, critical = thresholds(total, Filling(growth))
    assert total >= warning >= critical >= 0


def test_it_is_told_when_it_will_be_full() -> None:
    told = capacity(Room(100 * GIB, 50 * GIB), GIB, Filling(growth_bytes_per_s=2**20))
    assert (told.growth_bytes_per_s, told.full_in_s) == (2**20, 49 * 1024)
    assert capacity(Room(100 * GIB, 50 * GIB), GIB).full_in_s is None


def test_growth_is_seen_at_once_and_remembered_long() -> None:
    growth = Growth().after(900 * 1000, 900)
    assert growth.bytes_per_s == pytest.approx(500)
    for _ in range(100):
        growth = growth.after(900 * 1000, 900)
    assert growth.bytes_per_s == pytest.approx(1000, rel=0.01)
    quiet = growth.after(0, 6 * 3600)
    assert 0 < quiet.fast_bytes_per_s < 1 < quiet.slow_bytes_per_s == quiet.bytes_per_s
    assert growth.after(-(2**50), 86_400).bytes_per_s == 0
    assert growth.after(5, 0) == growth
