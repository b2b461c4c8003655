"""Compares what lies in one directory with the attributes in it and with the index, and puts right what is wrong.

What is doubtful is looked at twice: the second time with the file reserved, behind a checkpoint, so that nothing that
was under way the first time still is. No clock is asked.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import UUID

from artstore_kit.contracts.errors import UploadInProgress
from artstore_kit.contracts.files import FileAttributes
from storage_element import metrics
from storage_element.domain import layout
from storage_element.domain.judgement import Finding, Kind, judge_attributes
from storage_element.domain.listing import Listing
from storage_element.domain.reconciliation import Done, ReconcileReport
from storage_element.domain.storage import Files
from storage_element.domain.upkeep import Directory, Upkeep
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.compare_index import IndexComparer, Seen
from storage_element.services.contain import Containment
from storage_element.services.pace import Pace
from storage_element.services.reservations import Reservations
from storage_element.services.superseded import Superseded
from storage_element.services.verify import Verifier

MOST_WRONG = 1000
"""When so much is wrong in one comparison, it is the disk that is judged and not the documents."""


class TooMuch(Exception):
    """So much is wrong that somebody should look at it first."""


@dataclass
class Doubts:
    """What has to be looked at a second time."""

    unclaimed: set[UUID] = field(default_factory=set)
    content: set[UUID] = field(default_factory=set)
    index: set[UUID] = field(default_factory=set)


class Comparer:
    """One element's directories, one after the other."""

    def __init__(
        self,
        *,
        files: Files,
        upkeep: Upkeep,
        index: IndexComparer,
        containment: Containment,
        verifier: Verifier,
        checkpoint: Checkpoint,
        reservations: Reservations,
        superseded: Superseded,
    ) -> None:
        self._files = files
        self._upkeep = upkeep
        self._index = index
        self._containment = containment
        self._verifier = verifier
        self._checkpoint = checkpoint
        self._reservations = reservations
        self._superseded = superseded

    def begin(self) -> None:
        """A new comparison."""
        self._index.begin()

    async def look_into(self, directory: Directory, report: ReconcileReport, pace: Pace) -> None:
        """Compare one directory; `TooMuch`."""
        report.at = directory.path
        if directory.error:
            report.add(Finding(Kind.DIRECTORY_UNREADABLE, directory.path, directory.error), Done.TOLD)
            self._index.skip()
            return
        _must_be_bearable(report)
        listing = Listing.of(directory)
        await self._odd(listing, report)
        seen, doubts = await self._documents(listing, report, pace)
        doubts.index = await self._index.compare(directory.path, seen, report)
        await self._settle(directory.path, doubts, report)

    async def finish(self, report: ReconcileReport) -> None:
        """After the last directory: rows of files that would lie behind it."""
        doubts = Doubts(index=await self._index.compare_rest(report))
        await self._settle("", doubts, report)

    async def _odd(self, listing: Listing, report: ReconcileReport) -> None:
        """No upload under way has such a name, or lies there."""
        for finding in listing.odd:
            if finding.kind is Kind.FOREIGN:
                report.add(finding, Done.TOLD)
            else:
                await self._aside(finding, report)

    async def _documents(self, listing: Listing, report: ReconcileReport, pace: Pace) -> tuple[Seen, Doubts]:
        seen: Seen = {}
        doubts = Doubts(unclaimed=listing.without_attributes)
        for file_id in listing.documents:
            await pace.spend(1)
            report.documents += 1
            metrics.RECONCILED.inc()
            attributes = await self._verifier.attributes(file_id)
            if attributes is None:
                doubts.unclaimed.add(file_id)
                continue
            file = await self._judged(file_id, attributes, report)
            seen[file_id] = (file.element.lsn, attributes) if file else None
            if file is not None:
                self._content(file, dict(listing.contents.get(file_id, {})), doubts, report)
        return seen, doubts

    async def _judged(self, file_id: UUID, attributes: bytes, report: ReconcileReport) -> FileAttributes | None:
        """None when they cannot be read; then they are marked, and every content may be theirs."""
        judged = judge_attributes(layout.attributes_path(file_id), file_id, attributes)
        if judged.file and not judged.findings:
            self._containment.attributes_are_back(file_id, judged.file.element.lsn)
            return judged.file
        report.add(judged.findings[0], Done.MARKED)
        await self._containment.attributes(file_id, judged.findings[0])
        return None

    def _content(self, file: FileAttributes, sizes: dict[int, int], doubts: Doubts, report: ReconcileReport) -> None:
        expected = file.content
        if sizes.pop(expected.version, None) != expected.stored_size and file.archive is None:
            doubts.content.add(file.file_id)
        for version in sizes:
            if version > expected.version:
                doubts.unclaimed.add(file.file_id)
            else:
                self._superseded.add(file.file_id, version)
                report.superseded += 1

    # --- the second look

    async def _settle(self, path: str, doubts: Doubts, report: ReconcileReport) -> None:
        for file_id in sorted(doubts.content):
            await self._read_again(file_id, report)
        with ExitStack() as held:
            mine = [each for each in sorted(doubts.unclaimed | doubts.index) if self._reserve(held, each, report)]
            if not mine:
                return
            await self._checkpoint.run()
            fresh = await self._listing(path)
            for file_id in doubts.unclaimed.intersection(mine):
                await self._unclaimed(file_id, fresh, report)
            await self._index.settle(doubts.index.intersection(mine), self._verifier.attributes, report)

    async def _read_again(self, file_id: UUID, report: ReconcileReport) -> None:
        _must_be_bearable(report)
        known = self._containment.damaged.get(file_id)
        try:
            await self._verifier.judge(file_id, _at_once)
        except UploadInProgress:
            report.busy += 1
            return
        damage = self._containment.damaged.get(file_id)
        if damage and (damage is not known or not known.is_gone):
            path = layout.content_path(file_id, damage.version)
            report.add(Finding(damage.kind, path, damage.detail), Done.QUARANTINED if damage.moved_to else Done.MARKED)

    def _reserve(self, held: ExitStack, file_id: UUID, report: ReconcileReport) -> bool:
        try:
            held.enter_context(self._reservations.alone(file_id))
        except UploadInProgress:
            report.busy += 1
            return False
        return True

    async def _unclaimed(self, file_id: UUID, fresh: Listing, report: ReconcileReport) -> None:
        attributes = await self._verifier.attributes(file_id)
        newest = _version_in(file_id, attributes)
        for version in fresh.contents.get(file_id, {}):
            if newest is not None and version > newest:
                path = layout.content_path(file_id, version)
                finding = Finding(Kind.UNCLAIMED_CONTENT, path, "no attributes speak of this content")
                await self._aside(finding, report, file_id=file_id, content_version=version)

    async def _aside(self, finding: Finding, report: ReconcileReport, **about: object) -> None:
        _must_be_bearable(report)
        await self._containment.aside(finding, **about)
        report.add(finding, Done.QUARANTINED)

    async def _listing(self, path: str) -> Listing:
        async for directory in self._upkeep.walk(path):
            if directory.path == path and not directory.error:
                return Listing.of(directory)
            break
        return Listing([], {}, [])


def _must_be_bearable(report: ReconcileReport) -> None:
    if report.wrong >= MOST_WRONG:
        raise TooMuch(f"{report.wrong} contents, names and rows are wrong")


def _version_in(file_id: UUID, attributes: bytes | None) -> int | None:
    """The version that attributes name: 0 without any; None when they cannot be read, and any may be theirs."""
    if attributes is None:
        return 0
    judged = judge_attributes(layout.attributes_path(file_id), file_id, attributes)
    return judged.file.content.version if judged.file else None


async def _at_once(_: int) -> None:
    """What is doubtful is read without delay."""
