"""The spool: entries of the audit log on the service's own disk, from the deed to their delivery."""

import asyncio
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from artstore_kit.audit import metrics
from artstore_kit.audit.gap import Gap
from artstore_kit.audit.segments import Segment, path_of, sizes_in, sync_all_in, sync_directory
from artstore_kit.audit.slate import Slate
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import AuditSpoolFault, AuditSpoolFull
from artstore_kit.contracts.ids import now_moment_ms
from artstore_kit.finishing import to_the_end
from artstore_kit.logs import event_logger
from artstore_kit.settings import AuditSettings
from artstore_kit.start import StartRefused

SEGMENTS_AT_LIMIT = 32
LONGEST_SEGMENT_BYTES = 4 * 2**20
UNLIMITED = float("inf")
SHARE_OF_CHANGES = 8
"""The last eighth of the room is for changes: what was read can be told of as a gap, a change cannot."""


class Extent(NamedTuple):
    """A segment, how many bytes of it count, and whether it is written no more."""

    number: int
    size: int
    is_ended: bool


class Spool:
    """One process writes to a directory; `Outgoing` reads behind it. For one event loop."""

    def __init__(self, settings: AuditSettings, service: str, node: str) -> None:
        """`OSError` when the directory cannot be written, `BlockingIOError` when another process does."""
        self.directory, self.limit_bytes = settings.spool_dir, settings.spool_limit_bytes
        self.service, self.node = service, node
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _locked(self.directory / "lock")
        self.gap_slate, self.cursor_slate = Slate(self.directory / "gap"), Slate(self.directory / "cursor")
        self.gap = Gap(self.gap_slate)
        self.ended = sizes_in(self.directory)
        self.size_bytes = sum(self.ended.values())
        self.current: Segment | None = None
        # The cursor's segment may be gone; what came to lie under a number before the cursor would never be delivered.
        self._next_number = max(self.cursor_slate.read().get("segment", 0), *self.ended, 0) + 1
        self._segment_bytes = min(LONGEST_SEGMENT_BYTES, self.limit_bytes // SEGMENTS_AT_LIMIT)
        self._notes_limit_bytes = self.limit_bytes - self.limit_bytes // SHARE_OF_CHANGES
        self._unsynced: list[Segment] = []
        self.kept = 0
        self._added = self._durable = 0
        self._syncing = asyncio.Lock()
        self.fault = ""
        sync_all_in(self.directory, self.ended)

    @classmethod
    def opened(cls, settings: AuditSettings, service: str, node: str = "") -> Self:
        """With all that a former process has left; `StartRefused` says what is wrong with the directory."""
        try:
            return cls(settings, service, node)
        except BlockingIOError:
            raise StartRefused(f"{settings.spool_dir} is the audit spool of another process that runs") from None
        except OSError as error:
            raise StartRefused(f"the audit spool {settings.spool_dir} cannot be used: {error.strerror}") from None

    def add(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries of changes, which are told again until this has succeeded.

        From now on kill -9 does not lose them, and a power cut not once `synced` has returned. `AuditSpoolFull`
        when there is no room: none of them is kept.
        """
        self._add([line_of(entry) for entry in entries], self.limit_bytes)

    def keep(self, lines: Sequence[bytes]) -> None:
        """As `add`, of entries as `line_of` writes them, by one write, and as long as the disk has room.

        Whoever keeps a change in a journal until it was told needs more room for that than the entry takes here.
        """
        self._add(lines, UNLIMITED)

    def _add(self, lines: Sequence[bytes], limit_bytes: float) -> None:
        try:
            self._append(b"".join(lines), len(lines), limit_bytes)
        except OSError as error:
            raise AuditSpoolFull(f"The audit spool cannot be written: {error.strerror}.") from error

    def note(self, line: bytes) -> None:
        """Keep one entry that nobody can tell again, as `line_of` writes it. Without room it becomes part of a gap."""
        try:
            self._append(line, 1, self._notes_limit_bytes)
        except (OSError, AuditSpoolFull) as error:
            self.give_up(str(error))

    def give_up(self, reason: str, count: int = 1) -> None:
        """An entry cannot be kept, or several: they become part of a gap."""
        if not self.gap.count:
            event_logger().error("audit entries are not kept", reason=reason)
        self.gap.widen(now_moment_ms(), count)
        metrics.NOT_KEPT.inc()

    def tell_gap(self) -> None:
        """An entry says what was not kept; `AuditSpoolFull` until there is room for a segment of what is noted.

        Told before that, it would take the room of changes, and one outage would be many gaps.
        """
        if not self.gap.count:
            return
        told = self.gap.count
        line = line_of(self.gap.entry(self.service, self.node))
        self._add([line], self._notes_limit_bytes - self._segment_bytes)
        self.gap.told()
        event_logger().info("audit entries are kept again", not_kept=told)

    async def synced(self) -> None:
        """Return when all that was added before is on stable storage.

        `AuditSpoolFault` when a sync has failed: that it did not fail twice would prove nothing.
        """
        wanted = self._added
        async with self._syncing:
            if self._durable < wanted:
                await to_the_end(self._sync())

    async def close(self) -> None:
        """Sync and close; what a sync cannot promise now, the next start cannot either."""
        try:
            await self.synced()
        except AuditSpoolFault as error:
            event_logger().error("audit spool not synced", detail=error.detail)
        self.let_go()

    def let_go(self) -> None:
        """Close all files as they are."""
        for segment in self._unsynced:
            segment.close()
        self.gap_slate.close()
        self.cursor_slate.close()
        os.close(self._lock)

    def extents(self) -> list[Extent]:
        """Every segment with what can be read of it, the oldest first."""
        ended = [Extent(number, size, True) for number, size in self.ended.items()]
        return [*ended, Extent(self.current.number, self.current.size, False)] if self.current else ended

    def drop_before(self, number: int) -> None:
        """Delete segments of which every entry is delivered or set aside."""
        for each in [each for each in self.ended if each < number]:
            path_of(self.directory, each).unlink(missing_ok=True)
            self.size_bytes -= self.ended.pop(each)

    def _append(self, lines: bytes, count: int, limit_bytes: float) -> None:
        if self.size_bytes + len(lines) > limit_bytes:
            raise AuditSpoolFull
        current = self.current or self._begin_segment()
        current.append(lines)
        self.size_bytes += len(lines)
        if current.size >= self._segment_bytes:
            self._end_segment(current)
        self.kept += count
        self._added += 1

    def _begin_segment(self) -> Segment:
        segment = self.current = Segment(self.directory, self._next_number)
        self._next_number += 1
        self._unsynced.append(segment)
        return segment

    def _end_segment(self, segment: Segment) -> None:
        """At once, so that it makes room as soon as it is delivered, however little comes after it."""
        self.ended[segment.number] = segment.size
        self.current = None

    async def _sync(self) -> None:
        if self.fault:
            raise AuditSpoolFault(self.fault)
        added, segments = self._added, list(self._unsynced)
        ended = [segment for segment in segments if segment is not self.current]  # meanwhile, more may be appended
        try:
            await asyncio.to_thread(_sync_all, self.directory, segments)
        except OSError as error:
            self.fault = f"The audit spool could not be synced: {error.strerror}."
            raise AuditSpoolFault(self.fault) from error
        self._durable = added
        for segment in ended:
            segment.close()
            self._unsynced.remove(segment)


def line_of(entry: AuditEntry) -> bytes:
    """An entry as the spool keeps it: its id comes first."""
    return entry.model_dump_json(exclude_defaults=True).encode() + b"\n"


def _sync_all(directory: Path, segments: Sequence[Segment]) -> None:
    for segment in segments:
        segment.sync()
    sync_directory(directory)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
