"""Keeps damage where it was found: moves it aside for good, and remembers it across restarts.

The attributes of a file whose content is damaged stay where they are and go on telling what it was; quarantine/ tells
what became of it. Nothing here is kept anywhere else, so that an index can be lost without losing the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from artstore_kit.contracts.errors import ContentCorrupt, FileUnknown
from artstore_kit.logs import event_logger
from storage_element import metrics
from storage_element.domain.judgement import Finding, Kind
from storage_element.domain.storage import Files
from storage_element.domain.upkeep import Reason, Upkeep
from storage_element.services.checkpoint import Checkpoint
from storage_element.services.reservations import Reservations
from storage_element.services.suspects import Suspects

OF_CONTENT = frozenset({Kind.CONTENT_CORRUPT, Kind.CONTENT_MISSING})
OF_ATTRIBUTES = frozenset({Kind.ATTRIBUTES_UNREADABLE, Kind.ATTRIBUTES_ROLLED_BACK, Kind.MISPLACED})


@dataclass(frozen=True, slots=True)
class Damage:
    """What is not as it was stored: a version of the content, or, as version 0, the attributes.

    `moved_to` names it in quarantine/, if it was moved. `lsn` is that of the newer attributes that are lost.
    """

    version: int
    kind: Kind
    detail: str
    moved_to: str | None = None
    lsn: int | None = None

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing left here that could be read."""
        return self.moved_to is not None or self.kind is Kind.CONTENT_MISSING


class Containment:
    """What is known to be damaged on this element."""

    def __init__(self, files: Files, upkeep: Upkeep, checkpoint: Checkpoint, reservations: Reservations) -> None:
        self._files = files
        self._upkeep = upkeep
        self._checkpoint = checkpoint
        self._reservations = reservations
        self._damaged: dict[UUID, Damage] = {}
        self.suspects = Suspects()

    @property
    def damaged(self) -> Mapping[UUID, Damage]:
        """The files that are damaged."""
        return self._damaged

    async def load(self) -> None:
        """Read what quarantine/ tells. A content that was put back since is still suspect: it is read again first."""
        async for batch in self._upkeep.reasons():
            for data in batch:
                self._remember(_parsed(data))
        self._count()

    def suspect(self, file_id: UUID, detail: str) -> None:
        """A request met damage here; what is known of it already is not judged again."""
        if file_id not in self._damaged:
            self.suspects.add(file_id, detail)

    def of(self, file_id: UUID, version: int) -> Damage | None:
        """What is known of a version of the content."""
        damage = self._damaged.get(file_id)
        return damage if damage and damage.version == version else None

    def forget(self, file_id: UUID) -> None:
        """The file is gone, or was found sound."""
        if self._damaged.pop(file_id, None):
            self._count()

    async def content(self, file_id: UUID, version: int, attributes: bytes, finding: Finding, *, move: bool) -> bool:
        """Contain a content that was found damaged twice; False when the file has changed since `attributes`.

        A checkpoint goes first: the journal must not look for content that was moved away. `UploadInProgress` when
        somebody is changing the file.
        """
        known = self.of(file_id, version)
        with self._reservations.alone(file_id):
            await self._checkpoint.run()
            if await self._attributes(file_id) != attributes:
                return False
            moves = move and finding.kind is Kind.CONTENT_CORRUPT
            if known and not moves:
                return True
            reason = _reason(finding, file_id=file_id, content_version=version)
            self._remember(await self._upkeep.put_aside(reason, finding.path if moves else None))
        self._tell("content corrupt", file_id, finding)
        return True

    async def attributes(
        self, file_id: UUID, finding: Finding, newer: str | None = None, lsn: int | None = None
    ) -> None:
        """Mark attributes that cannot be read, or are older than what was acknowledged; they stay where they are.

        Moved away, the id would look free, and the file like one that never was. `newer` is what the index has of them.
        """
        known = self._damaged.get(file_id)
        if known and known.kind in OF_ATTRIBUTES:
            return
        reason = _reason(finding, file_id=file_id, attributes=newer, lsn=lsn)
        self._remember(await self._upkeep.put_aside(reason, None))
        self._tell("attributes damaged", file_id, finding)

    async def aside(self, finding: Finding, **about: object) -> None:
        """Move what belongs to no file into quarantine/."""
        await self._upkeep.put_aside(_reason(finding, **about), finding.path)
        metrics.QUARANTINED.labels(finding.kind.value).inc()
        event_logger().warning("quarantined", found=finding.kind.value, path=finding.path, detail=finding.detail)

    async def keep(self, finding: Finding, **about: object) -> None:
        """Write down in quarantine/ what is about to be forgotten elsewhere."""
        await self._upkeep.put_aside(_reason(finding, **about), None)

    def attributes_are_back(self, file_id: UUID, lsn: int) -> None:
        """They were read, and are of this LSN."""
        known = self._damaged.get(file_id)
        if known and known.kind in OF_ATTRIBUTES and lsn >= (known.lsn or 0):
            self.forget(file_id)

    def must_be_newest(self, file_id: UUID) -> None:
        """Raise `ContentCorrupt` when the attributes of a file are older than what was acknowledged.

        A hold or a longer retention may be among what is lost.
        """
        known = self._damaged.get(file_id)
        if known and known.kind is Kind.ATTRIBUTES_ROLLED_BACK:
            raise ContentCorrupt(f"The attributes of {file_id} are not the newest: {known.detail}.")

    def _tell(self, event: str, file_id: UUID, finding: Finding) -> None:
        self._count()
        event_logger().error(event, file_id=str(file_id), found=finding.kind.value, detail=finding.detail)

    def _remember(self, reason: Reason | None) -> None:
        if reason and reason.file_id and reason.kind in OF_CONTENT | OF_ATTRIBUTES:
            self._damaged[reason.file_id] = Damage(
                reason.content_version or 0, reason.kind, reason.detail, reason.moved_to, reason.lsn
            )

    def content_is_sound(self, file_id: UUID) -> None:
        """It was read again, and is what was stored."""
        known = self._damaged.get(file_id)
        if known and known.kind in OF_CONTENT:
            self.forget(file_id)

    async def _attributes(self, file_id: UUID) -> bytes | None:
        try:
            return await self._files.read_attributes(file_id)
        except FileUnknown:
            return None

    def _count(self) -> None:
        metrics.CORRUPT.set(len(self._damaged))


def _reason(finding: Finding, **about: object) -> Reason:
    return Reason.model_validate(
        {"kind": finding.kind, "path": finding.path, "detail": finding.detail, "found_at": datetime.now(UTC), **about}
    )


def _parsed(data: bytes) -> Reason | None:
    """One that cannot be read is told, and hides no other."""
    try:
        return Reason.model_validate_json(data)
    except ValidationError:
        event_logger().error("reason in quarantine cannot be read", data=data[:200].decode(errors="replace"))
        return None
