"""The element's write-ahead log on disk: append and sync, read back, close and drop segments."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from storage_element.adapters.local.disk import sync_directory
from storage_element.adapters.local.fence import Fence
from storage_element.adapters.local.segments import Segment, read_segment
from storage_element.domain import layout
from storage_element.domain.faults import is_out_of_room
from storage_element.domain.records import Record, encode, frame_bytes
from storage_element.domain.segment_header import HEADER_BYTES
from storage_element.domain.storage import Fenced, JournalBroken, JournalDamaged, JournalFull


class Journal:
    """The segments in one directory. Not for use by two threads at once."""

    def __init__(self, directory: Path, element_id: str, segment_bytes: int, fence: Fence) -> None:
        self._fence = fence
        self._directory = directory
        self._element_id = element_id
        self._segment_bytes = segment_bytes
        self._active: Segment | None = None
        self._broken = False
        self.next_lsn = 1
        self.durable_lsn = 0
        self.epoch = 0
        self.written_bytes = 0

    # --- writing

    def start(self, next_lsn: int, epoch: int) -> None:
        """Begin to write at `next_lsn`, in a new segment."""
        self.next_lsn, self.durable_lsn, self.epoch = next_lsn, next_lsn - 1, epoch
        self._active = self._new_segment(0)

    def append(self, records: Sequence[Record]) -> None:
        """Write `records`, which begin at `next_lsn`, and return when they are on stable storage.

        `JournalFull` when nothing was written; any `OSError` leaves it open what was. A second sync that works proves
        nothing about what the first one lost: nothing more is taken then. When the fence still stands after the sync,
        they were durable before anybody took over, who will therefore read them; when it does not, `Fenced`.
        """
        active = self._room_for(sum(map(frame_bytes, records)))
        frames = [encode(record, self.durable_lsn, active.salt) for record in records]
        try:
            self.written_bytes += active.append(frames)
            self._fence.check()
        except (OSError, Fenced):
            self._broken = True
            raise
        self.next_lsn = records[-1].lsn + 1
        self.durable_lsn = records[-1].lsn

    def rotate(self) -> list[Path]:
        """Go on in a new segment; the older ones, which a checkpoint may drop once what they cover is synced."""
        active = self._room_for(0)
        if not active.is_empty:
            self._renew(0)
        self.written_bytes = 0
        return [path for path in self.segments() if self._active is None or path != self._active.path]

    def drop(self, closed: Sequence[Path]) -> None:
        """Remove segments, oldest first, so that a crash in between leaves no gap."""
        for path in sorted(closed):
            with self._fence.guarding():
                Path(self._fence.through(f"{layout.JOURNAL}/{path.name}")).unlink()
            sync_directory(self._directory)

    def close(self) -> None:
        """Let go of the active segment."""
        if self._active is not None:
            self._active.close()
            self._active = None

    def _room_for(self, size_bytes: int) -> Segment:
        if self._broken:
            raise JournalBroken
        assert self._active is not None, "start() comes first"
        return self._active if self._active.has_room(size_bytes) else self._renew(size_bytes)

    def _renew(self, size_bytes: int) -> Segment:
        old, self._active = self._active, self._new_segment(size_bytes)
        if old is not None:
            old.close()
        return self._active

    def _new_segment(self, at_least_bytes: int) -> Segment:
        path = self._directory / f"{self.next_lsn:020d}.wal"
        size_bytes = max(self._segment_bytes, HEADER_BYTES + at_least_bytes)
        fresh = self._fence.path(f"{path.name}.new")
        try:
            with self._fence.guarding():
                made = Segment.make(path, fresh, self._element_id, self.epoch, size_bytes)
        except OSError as error:
            if is_out_of_room(error):
                raise JournalFull from error
            self._broken = True
            raise
        try:
            sync_directory(self._directory)
        except OSError:  # it has its name: whatever followed in the older segment would overlap with it
            self._broken = True
            made.close()
            raise
        return made

    # --- reading

    def segments(self) -> list[Path]:
        """All segments, oldest first."""
        return segments_in(self._directory)

    def read(self) -> Iterator[Record]:
        """Every acknowledged record in LSN order; `Fenced` when another node drops it meanwhile."""
        with self._fence.guarding():
            yield from read_journal(self._directory, self._element_id)


def segments_in(directory: Path) -> list[Path]:
    """All segments, oldest first."""
    return sorted(path for path in directory.glob("*.wal") if path.stem.isdecimal())


def read_journal(directory: Path, element_id: str) -> Iterator[Record]:
    """Every acknowledged record in LSN order; a torn tail, if there is one, is passed over. Nothing is changed.

    `JournalDamaged` when what was acknowledged cannot be read.
    """
    paths = segments_in(directory)
    expected: int | None = None
    for path in paths:
        first = int(path.stem)
        if expected is not None and first != expected:
            raise JournalDamaged(f"{path.name}: begins at LSN {first}, not {expected}. Nothing was changed.")
        expected = yield from read_segment(path, element_id, first, is_last=path == paths[-1])
