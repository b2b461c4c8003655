"""Which uploads are open, how many there may be, and who is at each of them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from artstore_kit.contracts.errors import UploadLimitReached, UploadTakenOver, UploadUnknown
from storage_element import metrics
from storage_element.config import UploadSettings
from storage_element.domain.incoming import Hash
from storage_element.domain.uploads import UploadSession
from storage_element.services.measure import Promise


@dataclass(eq=False)
class OpenUpload:
    """An open upload: its state, its room, and the digest of what has come, as far as it is known.

    `expires_at` is on the clock of the running process, which nobody sets. `has_leftovers` while there may be bytes of
    a part that does not count; `is_in_doubt` while a commit may have named its content, and nobody knows.
    `counted_bytes` are those that count against the limit: the announced size, or what has come and is coming.
    """

    session: UploadSession
    promise: Promise
    expires_at: float
    sha256: Hash | None = None
    has_leftovers: bool = False
    is_in_doubt: bool = False
    counted_bytes: int = 0
    token: int = 0
    holder: "asyncio.Task[Any] | None" = None
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> UUID:
        """By which the journal knows its content."""
        return self.session.upload_id

    @property
    def known_bytes(self) -> int:
        """Its announced size, or what has come."""
        return self.session.offset if self.session.size is None else self.session.size

    def hand_over(self) -> None:
        """Until its commit is known to have ended it is neither aborted nor gone on with, and does not expire."""
        self.is_in_doubt = True

    def take_back(self) -> None:
        """It was refused: it can be aborted."""
        self.is_in_doubt = False


class OpenUploads:
    """One request at a time is at an upload. Whoever comes later goes on at once: the one before is stopped.

    Each request has a token, a greater one than those before: only the greatest may go on.
    """

    def __init__(self, settings: UploadSettings) -> None:
        self._settings = settings
        self._open: dict[UUID, OpenUpload] = {}
        self._beginning_count = 0
        self._bytes = 0

    @contextmanager
    def beginning(self, size_bytes: int) -> Iterator[None]:
        """While one more is begun it takes a place: `UploadLimitReached` when there are too many or too large ones."""
        if len(self._open) + self._beginning_count >= self._settings.open_count:
            raise self._limit_reached()
        self._must_have_room(size_bytes)
        self._beginning_count += 1
        self._bytes += size_bytes
        try:
            yield
        finally:
            self._beginning_count -= 1
            self._bytes -= size_bytes

    def add(self, upload: OpenUpload) -> None:
        """One more."""
        self._open[upload.name] = upload
        upload.counted_bytes = upload.known_bytes
        self._bytes += upload.counted_bytes
        metrics.OPEN_UPLOADS.set(len(self._open))

    def drop(self, upload: OpenUpload) -> None:
        """It is open no more; its room is free."""
        upload.promise.release(upload.promise.size_bytes)
        del self._open[upload.name]
        self._bytes -= upload.counted_bytes
        metrics.OPEN_UPLOADS.set(len(self._open))

    def find(self, upload_id: UUID, uploaded_by: str) -> OpenUpload:
        """The open upload of this sender; `UploadUnknown`."""
        upload = self._open.get(upload_id)
        if upload is None or upload.session.uploaded_by != uploaded_by:
            raise UploadUnknown
        return upload

    def expired(self, now: float) -> list[OpenUpload]:
        """Those that nobody is at, and has been for too long."""
        idle = (each for each in self._open.values() if not each.is_in_doubt and not each.one.locked())
        return [each for each in idle if each.expires_at <= now]

    @contextmanager
    def receiving(self, upload: OpenUpload, part_bytes: int) -> Iterator[None]:
        """While a part comes, of so many bytes if that is announced; afterwards what did not come counts no more."""
        self.cover(upload, part_bytes)
        try:
            yield
        finally:
            if upload.name in self._open:
                self._bytes += upload.known_bytes - upload.counted_bytes
                upload.counted_bytes = upload.known_bytes

    def cover(self, upload: OpenUpload, part_bytes: int) -> None:
        """So much of a part comes: `UploadLimitReached` when the size was not announced and this is too much."""
        if upload.session.size is None:
            more_bytes = max(upload.session.offset + part_bytes - upload.counted_bytes, 0)
            self._must_have_room(more_bytes)
            upload.counted_bytes += more_bytes
            self._bytes += more_bytes

    def _must_have_room(self, size_bytes: int) -> None:
        if size_bytes and self._bytes + size_bytes > self._settings.open_bytes:
            raise self._limit_reached()

    def _limit_reached(self) -> UploadLimitReached:
        return UploadLimitReached(
            f"{len(self._open)} uploads of {self._bytes} bytes are open on this element.", headers={"Retry-After": "60"}
        )

    async def alone[T](self, upload: OpenUpload, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do this as the only one at the upload; `UploadTakenOver` when somebody comes later and before the end."""
        upload.token += 1
        token = upload.token
        if upload.holder is not None:
            upload.holder.cancel()
        async with upload.one:
            if self._open.get(upload.name) is not upload:
                raise UploadUnknown
            if token != upload.token:
                raise UploadTakenOver
            upload.holder = holder = asyncio.ensure_future(work())
            try:
                return await holder
            except asyncio.CancelledError:
                if token != upload.token:
                    raise UploadTakenOver from None
                raise
            finally:
                upload.holder = None
