"""Which uploads are open, how many there may be, and who is at each of them."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from artstore_kit.contracts.errors import UploadLimitReached, UploadTakenOver, UploadUnknown
from storage_element import metrics
from storage_element.config import UploadSettings
from storage_element.domain.storage import Hash
from storage_element.domain.uploads import UploadSession
from storage_element.services.measure import Promise


@dataclass(eq=False)
class OpenUpload:
    """An open upload: its state, its room, and the digest of what has come, as far as it is known.

    `expires_at` is on the clock of the running process, which nobody sets. `has_leftovers` while there may be bytes of
    a part that does not count; `is_in_doubt` while a commit may have named its content, and nobody knows.
    """

    session: UploadSession
    promise: Promise
    expires_at: float
    sha256: Hash | None = None
    has_leftovers: bool = False
    is_in_doubt: bool = False
    token: int = 0
    holder: "asyncio.Task[Any] | None" = None
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> UUID:
        """By which the journal knows its content."""
        return self.session.upload_id

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

    def add(self, upload: OpenUpload) -> None:
        """One more."""
        self._open[upload.name] = upload
        metrics.OPEN_UPLOADS.set(len(self._open))

    def drop(self, upload: OpenUpload) -> None:
        """It is open no more; its room is free."""
        upload.promise.release(upload.promise.size_bytes)
        del self._open[upload.name]
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

    def has_room(self, size_bytes: int) -> None:
        """Raise `UploadLimitReached` when there are too many or too large ones to begin another."""
        opened = sum(each.session.size or each.session.offset for each in self._open.values())
        if len(self._open) >= self._settings.open_count or opened + size_bytes > self._settings.open_bytes:
            raise UploadLimitReached(
                f"{len(self._open)} uploads of {opened} bytes are open on this element.", headers={"Retry-After": "60"}
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
