"""How full an element is, and whether a file of a given size still fits."""

from dataclasses import dataclass

from artstore_kit.contracts.elements import Capacity, Fullness
from artstore_kit.contracts.errors import StorageFull

WARNING_BELOW = 0.10
CRITICAL_BELOW = 0.05
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


def capacity(room: Room, reserve_bytes: int) -> Capacity:
    """The state of a file system of which `reserve_bytes` are kept for the journal and for replay."""
    return Capacity(
        total_bytes=room.total_bytes,
        used_bytes=room.total_bytes - room.free_bytes,
        free_bytes=room.free_bytes,
        fullness=_fullness(room, reserve_bytes),
    )


def _fullness(room: Room, reserve_bytes: int) -> Fullness:
    if room.free_bytes <= reserve_bytes or room.lacks_inodes:
        return Fullness.FULL
    share = (room.free_bytes - reserve_bytes) / max(room.total_bytes, 1)
    if share < CRITICAL_BELOW:
        return Fullness.CRITICAL
    return Fullness.WARNING if share < WARNING_BELOW else Fullness.OK


def has_room(room: Room, size_bytes: int, promised_bytes: int, reserve_bytes: int) -> None:
    """Raise `StorageFull` unless `size_bytes` fit beside what other uploads were promised."""
    if room.lacks_inodes:
        raise StorageFull("The element's file system has no inodes left for another file.")
    left_bytes = room.free_bytes - reserve_bytes - promised_bytes
    if size_bytes > left_bytes:
        raise StorageFull(f"The element has room for {max(left_bytes, 0)} bytes; the file needs {size_bytes}.")
