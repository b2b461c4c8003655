"""Where a reader is in a list: what a cursor says, and how it is read back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from artstore_kit.contracts.errors import BadCursor
from artstore_kit.contracts.paging import decode_cursor, encode_cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Moment:
    """A place in the order of upload."""

    uploaded_at: datetime
    file_id: UUID


@dataclass(frozen=True)
class Ranked:
    """A place in the order of relevance, and the oldest match that was ranked when the walk began.

    Keeping the oldest keeps the set: documents that arrive during the walk do not push others out of it.
    """

    score: float
    file_id: UUID
    oldest: Moment | None


def cursor_of(place: Moment | Ranked) -> str:
    """The place as text."""
    if isinstance(place, Moment):
        return encode_cursor("n", *_packed(place))
    return encode_cursor("r", place.score, str(place.file_id), *(_packed(place.oldest) if place.oldest else ("", "")))


def moment_at(cursor: str) -> Moment:
    """The place of a newest-first walk; `BadCursor` for anything else."""
    kind, *packed = decode_cursor(cursor, 3)
    if kind != "n":
        raise BadCursor("This cursor belongs to a list in another order.")
    return _moment(*packed)


def ranked_at(cursor: str) -> Ranked:
    """The place of a walk by relevance; `BadCursor` for anything else."""
    kind, score, file_id, *oldest = decode_cursor(cursor, 5)
    if kind != "r" or not isinstance(score, float) or not 0 <= score <= 1:
        raise BadCursor("This cursor belongs to a list in another order.")
    return Ranked(score, _id(file_id), None if oldest == ["", ""] else _moment(*oldest))


def _packed(moment: Moment) -> tuple[int, str]:
    return (moment.uploaded_at - _EPOCH) // _MICROSECOND, str(moment.file_id)


def _moment(microseconds: object, file_id: object) -> Moment:
    if not isinstance(microseconds, int):
        raise BadCursor
    try:
        return Moment(_EPOCH + timedelta(microseconds=microseconds), _id(file_id))
    except OverflowError:
        raise BadCursor from None


def _id(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise BadCursor from None
