"""What a failed delivery means: another element may be tried only when this one certainly has not stored the file."""

from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from artstore_kit.contracts.errors import (
    ArtStoreError,
    DeadlineExceeded,
    DependencyAnsweredBadly,
    DependencyUnavailable,
    DigestMismatch,
    ElementAnsweredBadly,
    InternalError,
    ModeForbids,
    UploadInProgress,
)
from ingester_module.domain.content import Content, Whole

_OPEN = (DeadlineExceeded, InternalError, DependencyAnsweredBadly, ElementAnsweredBadly, UploadInProgress)


class Meaning(Enum):
    """What is to be done after a failure."""

    NEXT = auto()
    """The element certainly stored nothing, and all of the content can be sent again: another is tried."""
    UNSURE = auto()
    """The element may have stored the file, or the content cannot be sent again."""
    PASS_ON = auto()
    """The request is at fault: no other element would take it."""


def meaning_of(error: ArtStoreError, content: Content) -> Meaning:
    """What `error`, met while `content` was sent, says of the file."""
    if isinstance(content, Whole):
        return _meaning_for_whole(error)
    if error.status < 500 and not isinstance(error, ModeForbids | UploadInProgress):
        return Meaning.PASS_ON
    # A stream that is not past its head has not ended, so that nothing can have been committed.
    return Meaning.UNSURE if content.past_head else Meaning.NEXT


def _meaning_for_whole(error: ArtStoreError) -> Meaning:
    """A problem document with 503 or 507 is a refusal; a lost connection, silence or a 500 may follow a commit.

    An upload of a new id can only be under way already when the connection was lost and the client tried again.
    """
    if type(error) is DependencyUnavailable or isinstance(error, _OPEN):
        return Meaning.UNSURE
    if isinstance(error, ModeForbids | DigestMismatch):
        return Meaning.NEXT  # the digest was right here: the content was damaged on its way to the element
    return Meaning.NEXT if error.status >= 500 else Meaning.PASS_ON


@dataclass(frozen=True)
class Receipt:
    """The element's answer for a stored file, byte for byte."""

    file_id: UUID
    document: bytes
    replayed: bool = False
    """It is the answer to an earlier request with the same Idempotency-Key."""
