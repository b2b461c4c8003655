"""The spool as it is read: from the cursor on, segment by segment, to what was added last."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from artstore_kit.audit import metrics
from artstore_kit.audit.segments import count_lines, path_of, whole_lines
from artstore_kit.audit.spool import Extent, Spool
from artstore_kit.contracts.audit import ENTRIES_AT_ONCE

READ_BYTES = 512 * 2**10
"""Of a request, at most: half of what the admin module takes."""

_ID_FIRST = b'{"entry_id":"'


class Position(NamedTuple):
    """A place in the spool."""

    segment: int
    offset: int


@dataclass(frozen=True)
class Piece:
    """Whole lines, and where the next ones begin; `torn` ends of segments lay before them."""

    lines: Sequence[bytes]
    after: Position
    torn: int = 0

    @property
    def begun_ms(self) -> int | None:
        """The moment of the first line's entry in milliseconds since 1970; None when there is none to be read."""
        first = self.lines[0] if self.lines else b""
        digits = first[len(_ID_FIRST) : len(_ID_FIRST) + 13].replace(b"-", b"")
        return int(digits, 16) if first.startswith(_ID_FIRST) and digits.isalnum() else None


class Outgoing:
    """What was delivered is told by `advance`; a cursor that is lost only makes it be told again."""

    def __init__(self, spool: Spool) -> None:
        """From where a former process has come to."""
        self._spool = spool
        noted = spool.cursor_slate.read()
        self.cursor = Position(noted.get("segment", 0), noted.get("offset", 0))
        ahead = [extent.number for extent in spool.extents() if extent.number >= self.cursor.segment]
        lines = sum(count_lines(path_of(spool.directory, each), self._begin(each)) for each in ahead)
        self._left = lines - spool.kept

    @property
    def waiting(self) -> int:
        """How many entries are not delivered."""
        return max(0, self._left + self._spool.kept)

    def piece(self, extents: Sequence[Extent]) -> Piece:
        """The next entries, `ENTRIES_AT_ONCE` at most and none at the end. What a crash tore is passed over.

        `extents` are those of `Spool.extents`, taken in the event loop; this reads the disk and may run in a thread.
        """
        torn, after = 0, self.cursor
        for number, size, is_ended in extents:
            if number < self.cursor.segment:
                continue
            begin = min(size, self._begin(number))
            path = path_of(self._spool.directory, number)
            lines = whole_lines(path, begin, min(READ_BYTES, size - begin))[:ENTRIES_AT_ONCE]
            if lines:
                return Piece(lines, Position(number, begin + sum(map(len, lines))), torn)
            if size - begin > READ_BYTES:
                return Piece([], Position(number, begin + READ_BYTES), torn)
            torn += size > begin
            after = Position(number + 1, 0) if is_ended else Position(number, begin)
        return Piece([], after, torn)

    def advance(self, piece: Piece) -> None:
        """All of `piece` is in the log, or aside: go on behind it."""
        self.cursor = piece.after
        self._left -= len(piece.lines)
        metrics.TORN.inc(piece.torn)
        with suppress(OSError):  # then the next start tells some of it again
            self._spool.cursor_slate.write(**self.cursor._asdict())
        self._spool.drop_before(self.cursor.segment)

    def _begin(self, number: int) -> int:
        return self.cursor.offset if number == self.cursor.segment else 0
