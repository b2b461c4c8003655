"""Content that was replaced: it goes at a checkpoint after its grace, so that whoever reads it comes to the end."""

import time
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from artstore_kit.contracts.errors import FileUnknown, UploadInProgress
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.logs import event_logger
from storage_element.domain.storage import Files
from storage_element.services.reservations import Reservations


@dataclass(frozen=True)
class Old:
    """A version of a file's content that is not its newest any more."""

    file_id: UUID
    version: int
    since: float


class Superseded:
    """Replaced content that is still there. A restart forgets it; reconciling finds it again."""

    def __init__(self, files: Files, reservations: Reservations, grace_s: float) -> None:
        self._files = files
        self._reservations = reservations
        self._grace_s = grace_s
        self._old: list[Old] = []

    def add(self, file_id: UUID, version: int) -> None:
        """A newer version is being committed; should that fail, this one stays."""
        self._old.append(Old(file_id, version, time.monotonic()))

    def due(self) -> list[Old]:
        """What has had its grace. When a checkpoint follows, the newer versions are on stable storage."""
        return [old for old in self._old if time.monotonic() - old.since >= self._grace_s]

    async def remove(self, due: list[Old]) -> None:
        """Remove what was due before the checkpoint; a file that is being changed at this moment waits for the next."""
        for old in due:
            try:
                with self._reservations.alone(old.file_id):
                    await self._remove(old)
            except UploadInProgress:
                continue
            except (OSError, ValidationError) as error:  # nothing goes on doubt, and no other waits for it
                event_logger().warning("replaced content is kept", file_id=str(old.file_id), detail=str(error))
            self._old.remove(old)

    async def _remove(self, old: Old) -> None:
        """An id may have been given again: only what newer attributes have left behind goes."""
        try:
            file = FileAttributes.model_validate_json(await self._files.read_attributes(old.file_id))
        except FileUnknown:
            return
        if file.content.version > old.version:
            await self._files.remove_content(old.file_id, old.version)
