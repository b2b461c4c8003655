"""How full an element is, and whether a file of a given size still fits."""

from dataclasses import dataclass

from artstore_kit.contracts.elements import Capacity, Fullness
from artstore_kit.contracts.errors import StorageFull

GIB = 2**30
CRITICAL_FLOOR, CRITICAL_FLOOR_BYTES, CRITICAL_CEILING = 0.05, 16 * GIB, 0.20
WARNING_FLOOR, WARNING_FLOOR_BYTES, WARNING_CEILING = 0.10, 64 * GIB, 0.40
"""Shares of the whole; see `thresholds`."""
RESERVED_INODES = 10_000
"""Kept free for what is committed and not yet in place: each file takes two, and up to six with its directories."""


@dataclass(frozen=True)
class Room:
    """What a file system has; `free_inodes` is None where they do not run out."""

    total_bytes: int
    free_bytes: int
    free_inodes: int | None = None

    @property
    def lacks_inodes(self) -> bool:
        """Whether names run out before bytes do."""
        return self.free_inodes is not None and self.free_inodes <= RESERVED_INODES


@dataclass(frozen=True)
class Filling:
    """How fast it fills, and how long before it is full that is a warning, and critical."""

    growth_bytes_per_s: float = 0.0
    warning_within_s: float = 604_800.0
    critical_within_s: float = 86_400.0


def thresholds(total_bytes: int, filling: Filling) -> tuple[float, float]:
    """Room below which it is a warning, and below which it is critical, in bytes.

    What comes in within the time, but not less than the floor (5 %, at most 16 GiB; for a warning 10 %, at most 64 GiB)
    and not more than the ceiling (20 %; 40 %): a small element warns in time, a large quiet one does not cry for years.
    """
    critical = filling.growth_bytes_per_s * filling.critical_within_s
    warning = filling.growth_bytes_per_s * filling.warning_within_s
    return (
        _within(warning, min(total_bytes * WARNING_FLOOR, WARNING_FLOOR_BYTES), total_bytes * WARNING_CEILING),
        _within(critical, min(total_bytes * CRITICAL_FLOOR, CRITICAL_FLOOR_BYTES), total_bytes * CRITICAL_CEILING),
    )


def _within(value: float, floor: float, ceiling: float) -> float:
    return max(floor, min(value, ceiling))


def capacity(room: Room, reserve_bytes: int, filling: Filling = Filling()) -> Capacity:
    """The state of a file system of which `reserve_bytes` are kept for the journal and for replay."""
    left_bytes = max(room.free_bytes - reserve_bytes, 0)
    growth = filling.growth_bytes_per_s
    return Capacity(
        total_bytes=room.total_bytes,
        used_bytes=room.total_bytes - room.free_bytes,
        free_bytes=room.free_bytes,
        fullness=_fullness(room, reserve_bytes, filling),
        growth_bytes_per_s=growth,
        full_in_s=left_bytes / growth if growth > 0 else None,
    )


def _fullness(room: Room, reserve_bytes: int, filling: Filling) -> Fullness:
    if room.free_bytes <= reserve_bytes or room.lacks_inodes:
        return Fullness.FULL
    left_bytes = room.free_bytes - reserve_bytes
    warning_bytes, critical_bytes = thresholds(room.total_bytes, filling)
    if left_bytes < critical_bytes:
        return Fullness.CRITICAL
    return Fullness.WARNING if left_bytes < warning_bytes else Fullness.OK


def has_room(room: Room, size_bytes: int, promised_bytes: int, reserve_bytes: int) -> None:
    """Raise `StorageFull` unless `size_bytes` fit beside what other uploads were promised."""
    if room.lacks_inodes:
        raise StorageFull("The element's file system has no inodes left for another file.")
    left_bytes = room.free_bytes - reserve_bytes - promised_bytes
    if size_bytes > left_bytes:
        raise StorageFull(f"The element has room for {max(left_bytes, 0)} bytes; the file needs {size_bytes}.")
