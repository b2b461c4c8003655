"""How full an element is, and whether a file of a given size still fits."""

from artstore_kit.contracts.elements import Capacity, Fullness
from artstore_kit.contracts.errors import StorageFull

WARNING_BELOW = 0.10
CRITICAL_BELOW = 0.05


def capacity(total_bytes: int, free_bytes: int, reserve_bytes: int) -> Capacity:
    """The state of a file system of which `reserve_bytes` are kept for the journal and for replay."""
    return Capacity(
        total_bytes=total_bytes,
        used_bytes=total_bytes - free_bytes,
        free_bytes=free_bytes,
        fullness=_fullness(total_bytes, free_bytes, reserve_bytes),
    )


def _fullness(total_bytes: int, free_bytes: int, reserve_bytes: int) -> Fullness:
    if free_bytes <= reserve_bytes:
        return Fullness.FULL
    share = (free_bytes - reserve_bytes) / max(total_bytes, 1)
    if share < CRITICAL_BELOW:
        return Fullness.CRITICAL
    return Fullness.WARNING if share < WARNING_BELOW else Fullness.OK


def has_room(now: Capacity, size_bytes: int, promised_bytes: int, reserve_bytes: int) -> None:
    """Raise `StorageFull` unless `size_bytes` fit beside what other uploads were promised."""
    room = now.free_bytes - reserve_bytes - promised_bytes
    if size_bytes > room:
        raise StorageFull(f"The element has room for {max(room, 0)} bytes; the file needs {size_bytes}.")
