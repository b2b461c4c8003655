"""The seam through which content comes in: one upload on its way, and uploads that are sent in parts.

Every side passes tests/storage, as for what keeps content.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from storage_element.domain.uploads import UploadSession


class Hash(Protocol):
    """A digest on its way, as hashlib makes them."""

    def update(self, data: memoryview, /) -> None:
        """Take more."""

    def hexdigest(self) -> str:
        """Of all that was taken."""

    def copy(self) -> "Hash":
        """One that goes on by itself."""


class Staged(Protocol):
    """Content that a journal record may name."""

    @property
    def name(self) -> UUID:
        """By which a record names it; `NO_STAGING` when it rides in the record."""

    def hand_over(self) -> None:
        """From here on the journal may name what is staged: unless it is taken back, only recovery may remove it."""

    def take_back(self) -> None:
        """The journal does not name it: it was refused."""


class Staging(Staged, Protocol):
    """One upload on its way in: small content in memory, to ride in the journal; larger content staged durably."""

    size: int

    @property
    def is_small(self) -> bool:
        """Whether all that came so far may ride in the journal."""

    @property
    def is_in_memory(self) -> bool:
        """Whether there is nothing to leave behind."""

    async def write(self, chunk: bytes) -> None:
        """Take a part of the content; returns when there is room for more."""

    def room(self) -> memoryview:
        """Where the next part of larger content goes."""

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""

    async def finish(self) -> tuple[bytes, str]:
        """The content when it may ride in the journal, else nothing (it is staged durably then); and its sha256."""

    async def discard(self) -> None:
        """Leave nothing behind that is not handed over."""


class Part(Protocol):
    """One part of an upload that is sent in parts, on its way in."""

    size: int

    async def write(self, chunk: bytes) -> None:
        """Take some bytes; returns when there is room for more."""

    def room(self) -> memoryview:
        """Where the next bytes go."""

    async def filled(self, length: int) -> None:
        """So many bytes are there now; returns when there is room for more."""

    async def finish(self) -> None:
        """Return when all of it is hashed and on stable storage."""

    async def settle(self) -> None:
        """Let go of it, finished or not, once nothing is being written any more."""


class Uploads(Protocol):
    """Uploads that are sent in parts. What a session's `offset` does not cover does not count."""

    async def all(self) -> Sequence[UploadSession]:
        """Those that are open; what is left of others is removed."""

    async def make(self, session: UploadSession) -> None:
        """Begin an upload, durably."""

    async def save(self, session: UploadSession) -> None:
        """Keep the newest state of an upload, durably."""

    async def remove(self, upload_id: UUID) -> None:
        """Forget an upload, and its content if that is still there."""

    async def part(self, session: UploadSession, hashes: Sequence[Hash]) -> Part:
        """The part that begins at the session's offset; `hashes` take its bytes."""

    async def sha256(self, session: UploadSession) -> Hash:
        """Of the content so far; reads it."""
