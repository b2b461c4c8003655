"""Reads one document again and judges it; what is damaged is judged twice before anything is done about it."""

from uuid import UUID

from artstore_kit.contracts.errors import FileUnknown
from artstore_kit.contracts.files import FileAttributes
from storage_element import metrics
from storage_element.domain import layout
from storage_element.domain.faults import is_passing
from storage_element.domain.judgement import Finding, Kind, judge_attributes, judge_content
from storage_element.domain.storage import ContentMissing, Files
from storage_element.domain.upkeep import ContentUnreadable, Pace, Upkeep
from storage_element.domain.verification import Outcome
from storage_element.services.contain import Containment


class Verifier:
    """Documents against their attributes and digests."""

    def __init__(self, files: Files, upkeep: Upkeep, containment: Containment) -> None:
        self._files = files
        self._upkeep = upkeep
        self._containment = containment

    async def judge(self, file_id: UUID, pace: Pace) -> Outcome:
        """Read a document again; `UploadInProgress` when it is damaged and somebody is changing it.

        A content never changes in its place: when the attributes are byte for byte the same after two readings that
        found it damaged, it is damaged. When they are not, it was replaced or removed meanwhile, and is no alarm.
        """
        attributes = await self.attributes(file_id)
        if attributes is None:
            self._containment.forget(file_id)
            return Outcome.SKIPPED
        judged = judge_attributes(layout.attributes_path(file_id), file_id, attributes)
        if judged.file is None or judged.findings:
            await self._containment.attributes(file_id, judged.findings[0])
            return _counted(Outcome.DAMAGED)
        self._containment.attributes_are_back(file_id, judged.file.element.lsn)
        if judged.file.archive is not None:
            return Outcome.SKIPPED
        return await self._judge_content(judged.file, attributes, pace)

    async def _judge_content(self, file: FileAttributes, attributes: bytes, pace: Pace) -> Outcome:
        finding, _ = await self._look(file, pace)
        if finding is not None:
            finding, may_pass = await self._look(file, pace)
        if finding is None:
            self._containment.content_is_sound(file.file_id)
            return _counted(Outcome.SOUND)
        contained = await self._containment.content(
            file.file_id, file.content.version, attributes, finding, move=not may_pass
        )
        return _counted(Outcome.DAMAGED if contained else Outcome.SKIPPED)

    async def attributes(self, file_id: UUID) -> bytes | None:
        """As they lie there; None when there are none, nothing when they cannot be read."""
        try:
            return await self._files.read_attributes(file_id)
        except FileUnknown:
            return None
        except OSError as error:
            if is_passing(error):
                raise
            return b""

    async def _look(self, file: FileAttributes, pace: Pace) -> tuple[Finding | None, bool]:
        """What is wrong with the content, and whether that may pass."""
        version = file.content.version
        path = layout.content_path(file.file_id, version)
        try:
            read = await self._upkeep.reread(file.file_id, version, pace)
        except ContentMissing:
            return Finding(Kind.CONTENT_MISSING, path, "is not there"), False
        except ContentUnreadable as error:
            return Finding(Kind.CONTENT_CORRUPT, path, str(error)), error.may_pass
        metrics.SCRUBBED_BYTES.inc(read.size)
        return judge_content(path, file.content, read.size, read.sha256), False


def _counted(outcome: Outcome) -> Outcome:
    metrics.SCRUBBED_FILES.labels(outcome.value).inc()
    return outcome
