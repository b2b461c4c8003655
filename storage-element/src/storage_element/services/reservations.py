"""Who changes a file at this moment: requests and the element's own upkeep, one at a time for each file."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from artstore_kit.contracts.errors import UploadInProgress


class Reservations:
    """The files that somebody is changing."""

    def __init__(self) -> None:
        self._busy: set[UUID] = set()

    @contextmanager
    def alone(self, file_id: UUID) -> Iterator[None]:
        """Be the only one who changes this file; `UploadInProgress` when somebody is."""
        if file_id in self._busy:
            raise UploadInProgress(f"Another request is changing {file_id}; try again.", headers={"Retry-After": "1"})
        self._busy.add(file_id)
        try:
            yield
        finally:
            self._busy.discard(file_id)
