"""Measures the room on the element and keeps count of what uploads under way were promised."""

from collections.abc import Iterator
from contextlib import contextmanager

from artstore_kit.contracts.elements import Capacity
from storage_element.config import CapacitySettings
from storage_element.domain.capacity import Filling, capacity, has_room
from storage_element.domain.growth import Growth
from storage_element.domain.storage import Files

STEP_BYTES = 16 * 2**20


class Measure:
    """Room now, less what was promised."""

    def __init__(self, files: Files, settings: CapacitySettings) -> None:
        self._files = files
        self._settings = settings
        self._reserve_bytes = settings.reserve_bytes
        self.growth = Growth()
        self._promised_bytes = 0

    def capacity(self) -> Capacity:
        """The state of the element's file system."""
        settings = self._settings
        filling = Filling(self.growth.bytes_per_s, settings.warning_within_s, settings.critical_within_s)
        return capacity(self._files.room(), self._reserve_bytes, filling)

    @contextmanager
    def promised(self, size_bytes: int) -> Iterator["Promise"]:
        """Keep `size_bytes` for one upload; `StorageFull` when they are not there."""
        promise = self.promise(size_bytes)
        try:
            yield promise
        finally:
            promise.release(promise.size_bytes)

    def promise(self, size_bytes: int) -> "Promise":
        """Keep `size_bytes` until they are released; `StorageFull` when they are not there."""
        promise = Promise(self)
        promise.keep(size_bytes)
        return promise

    def promised_before(self, size_bytes: int) -> "Promise":
        """What was promised before a restart holds, even if the room was taken by something else meanwhile."""
        promise = Promise(self)
        promise.size_bytes = size_bytes
        self._promised_bytes += size_bytes
        return promise

    def keep(self, size_bytes: int) -> None:
        """Take `size_bytes` out of the room that others may be promised."""
        has_room(self._files.room(), size_bytes, self._promised_bytes, self._reserve_bytes)
        self._promised_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Others may be promised `size_bytes` again."""
        self._promised_bytes -= size_bytes


class Promise:
    """The room of one upload; it grows in steps when the size was not announced."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self.size_bytes = 0

    def keep(self, size_bytes: int) -> None:
        """Promise more; `StorageFull` when it is not there."""
        self._measure.keep(size_bytes)
        self.size_bytes += size_bytes

    def cover(self, received_bytes: int) -> None:
        """See that what has come so far was promised."""
        if received_bytes > self.size_bytes:
            self.keep(max(STEP_BYTES, received_bytes - self.size_bytes))

    def release(self, size_bytes: int) -> None:
        """So much was stored, or will not come."""
        size_bytes = min(size_bytes, self.size_bytes)
        self.size_bytes -= size_bytes
        self._measure.release(size_bytes)
