"""A file as it is handed in, and the limits that it must keep."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from artstore_kit.contracts.errors import FileTooLarge, MediaTypeRefused
from artstore_kit.contracts.files import UploadAttributes


@dataclass(frozen=True)
class NewFile:
    """What a sender hands in. `content` raises when the body is broken, so that its end means that it was whole."""

    attributes: UploadAttributes
    content: AsyncIterator[bytes]
    announced_bytes: int | None = None
    """The length of the content; None when the sender does not say."""
    least_bytes: int = 0
    """The content has at least so many, however it is sent."""
    announced_sha256: bytes | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Limits:
    """What is taken in at all."""

    max_size_bytes: int
    refused_media_types: Sequence[str] = ()
    """Patterns, such as `video/*`."""

    def check(self, new: NewFile) -> None:
        """Refuse what can be refused before a byte of content is read."""
        self.check_media_type(new.attributes.media_type)
        self.check_size(max(new.announced_bytes or 0, new.least_bytes))

    def check_media_type(self, media_type: str) -> None:
        """Raise `MediaTypeRefused` for a type that is not wanted."""
        if any(fnmatchcase(media_type.lower(), pattern) for pattern in self.refused_media_types):
            raise MediaTypeRefused(f"Files of the media type {media_type} are not accepted here.")

    def check_size(self, size_bytes: int) -> None:
        """Raise `FileTooLarge` for more bytes than the limit."""
        if size_bytes > self.max_size_bytes:
            raise FileTooLarge(
                f"A file is at most {self.max_size_bytes} bytes here.", max_size_bytes=self.max_size_bytes
            )
