"""Creating, replacing, changing and removing files: the write path of DESIGN section 4."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from artstore_kit.contracts.errors import FileExists, FileRetained, FileUnknown, ModeForbids, StorageFull
from artstore_kit.contracts.files import (
    AttributeChanges,
    Content,
    ElementStamp,
    FileAttributes,
    UploadAttributes,
)
from artstore_kit.contracts.modes import Operation
from artstore_kit.exchange import Body
from storage_element.domain import fitting, rules
from storage_element.domain.asker import Asker
from storage_element.domain.fresh import LARGEST, LATEST, fresh_content, fresh_file, largest_content
from storage_element.domain.origin import Origin
from storage_element.domain.records import NO_STAGING, Kind
from storage_element.domain.storage import Superblocks
from storage_element.services.commit import Committer
from storage_element.services.drafts import Draft
from storage_element.services.four_eyes import Approved
from storage_element.services.modes import Modes
from storage_element.services.read import Reader
from storage_element.services.receive import NOTHING_ANNOUNCED, Announced, Received, Receiver
from storage_element.services.reservations import Reservations
from storage_element.services.superseded import Superseded

HOLDER_ENDS_WITHIN_S = 30.0
"""Large content that has come is not thrown away because the element looks after the file at this moment."""


@dataclass(frozen=True)
class Upload:
    """A new file, as its sender describes it."""

    file_id: UUID
    attributes: UploadAttributes
    uploaded_by: str
    origin: Origin
    announced: Announced = NOTHING_ANNOUNCED


@dataclass(frozen=True)
class Replacement:
    """New content of a file, with what else changes; `if_match` names the revision or the content that it replaces."""

    file_id: UUID
    changes: AttributeChanges
    asker: Asker
    announced: Announced = NOTHING_ANNOUNCED
    if_match: str | None = None


async def _nobody_is_asked(_: FileAttributes) -> None:
    """Most deeds need no second pair of eyes."""


@dataclass(frozen=True)
class Revision:
    """What becomes of a file's attributes, and what the audit log calls it; `approved` raises when it may not be."""

    of: Callable[[FileAttributes], FileAttributes]
    asker: Asker
    action: str
    approved: Approved = _nobody_is_asked


class Writer:
    """All changes to this element's files."""

    def __init__(
        self,
        *,
        committer: Committer,
        receiver: Receiver,
        reader: Reader,
        superblocks: Superblocks,
        reservations: Reservations,
        superseded: Superseded,
        modes: Modes,
    ) -> None:
        self._committer = committer
        self._receiver = receiver
        self._reader = reader
        self._superblocks = superblocks
        self._reservations = reservations
        self._superseded = superseded
        self._modes = modes

    async def create(self, upload: Upload, body: Body) -> tuple[FileAttributes, bool]:
        """Store a new file; its attributes, and False when the same file was there already."""
        self.may_create(upload)
        with self._reservations.alone(upload.file_id):
            async with self._receiver.receive(upload.file_id, 1, upload.announced, body) as received:
                return await self._store(upload, received)

    async def store(self, upload: Upload, received: Received) -> tuple[FileAttributes, bool]:
        """Store a new file whose content has come already; as `create` does."""
        self.may_create(upload)
        with self._reservations.alone(upload.file_id):
            return await self._store(upload, received)

    def may_create(self, upload: Upload) -> None:
        """Raise when such a file could not be stored now, whatever its content."""
        self._modes.require(Operation.CREATE)
        self._committer.must_take_writes()
        if not fitting.surely_fits(upload.attributes, upload.uploaded_by, self._superblocks.current.element_id):
            fitting.must_fit(self._described(upload, largest_content(), LATEST))

    async def replace(self, replacement: Replacement, body: Body) -> FileAttributes:
        """Give a file new content; the file as it is then. The old version is read to the end by who is reading it."""
        self._modes.require(Operation.REPLACE_CONTENT)
        self._committer.must_take_writes()
        file_id, before = replacement.file_id, await self._reader.to_change(replacement.file_id)
        self._replaced(before, replacement, largest_content())
        async with (
            self._receiver.receive(file_id, before.content.version + 1, replacement.announced, body) as received,
            self._reservations.alone_within(HOLDER_ENDS_WITHIN_S, file_id),
        ):
            file = await self._reader.to_change(file_id)
            rules.not_replaced_since(before, file)
            fresh = self._replaced(file, replacement, fresh_content(received.size, received.sha256))
            self._superseded.add(file.file_id, file.content.version)
            draft = Draft(Kind.REPLACE_INLINE, fresh, origin=replacement.asker.origin)
            stored = await self._commit_received(draft, Kind.REPLACE_STAGED, received)
            self._reader.replaced(file.file_id)
            return stored

    async def change(
        self, file_id: UUID, changes: AttributeChanges, if_match: str | None, asker: Asker
    ) -> FileAttributes:
        """Write the next revision of the attributes; the file as it is then."""
        self._modes.require(Operation.CHANGE_ATTRIBUTES)
        with self._reservations.alone(file_id):
            file = await self._reader.to_change(file_id)
            asker.allowed(file.collection)
            rules.matches_revision(file, if_match)
            fresh = rules.changed(file, changes, self._modes.current)
            fitting.must_fit(fresh.model_copy(update={"element": self._stamp()}))
            return await self._commit(Draft(Kind.CHANGE, fresh, origin=asker.origin))

    async def revise(self, file_id: UUID, if_match: str | None, revision: Revision) -> FileAttributes:
        """Write the next revision, which touches no content; nothing happens when it is the file as it is.

        What is so already is not asked for its revision (RFC 9110 section 13.1.1): the answer to it was lost.
        """
        self._modes.require(Operation.CHANGE_ATTRIBUTES)
        with self._reservations.alone(file_id):
            file = await self._reader.to_change(file_id)
            revision.asker.allowed(file.collection)
            fresh = revision.of(file)
            if fresh is file:
                return file
            rules.matches_revision(file, if_match)
            fitting.must_fit(fresh.model_copy(update={"element": self._stamp()}))
            await revision.approved(file)
            origin = revision.asker.origin
            return await self._commit(Draft(Kind.CHANGE, fresh, origin=origin, action=revision.action))

    async def remove(self, file_id: UUID, if_match: str | None, asker: Asker, approved: Approved | None = None) -> None:
        """Remove a file that neither a hold nor its retention keeps; its retention no longer when it is `approved`."""
        self._modes.require(Operation.DELETE)
        with self._reservations.alone(file_id):
            file = await self._reader.to_change(file_id)
            asker.allowed(file.collection)
            rules.matches_revision(file, if_match)
            action = await self._may_remove(file, approved)
            await self._commit(Draft(Kind.REMOVE, file.model_copy(), origin=asker.origin, action=action))
            self._reader.removed(file_id)

    async def expire(self, file_id: UUID, now: datetime) -> None:
        """Remove a temporary file whose time is over, as attr.json itself says at this moment."""
        self._modes.require(Operation.DELETE)
        with self._reservations.alone(file_id):
            self._reader.forget(file_id)
            file = await self._reader.to_change(file_id)
            rules.must_have_expired(file, now)
            origin = Origin.of_service()
            await self._commit(Draft(Kind.REMOVE, file.model_copy(), origin=origin, action="file.expire"))
            self._reader.removed(file_id)

    async def _may_remove(self, file: FileAttributes, approved: Approved | None) -> str:
        """What the audit log calls the removal; raises when it may not be. Nobody can approve away a hold."""
        try:
            rules.may_remove(file, datetime.now(UTC))
        except FileRetained:
            if approved is None:
                raise
            await approved(file)
            return "file.destroy"
        return "file.remove"

    async def _store(self, upload: Upload, received: Received) -> tuple[FileAttributes, bool]:
        file = self._described(upload, fresh_content(received.size, received.sha256), datetime.now(UTC))
        draft = Draft(Kind.CREATE_INLINE, file, origin=upload.origin)
        try:
            return await self._commit_received(draft, Kind.CREATE_STAGED, received), True
        except FileExists:
            return await self._same_as_before(file), False

    async def stored_before(self, file_id: UUID, uploaded_by: str, sha256: bytes) -> FileAttributes:
        """The file as it is, if it has this content from this sender; else `FileUnknown`."""
        file = await self._reader.attributes(file_id)
        if (file.uploaded_by, file.content.sha256) != (uploaded_by, sha256.hex()):
            raise FileUnknown(f"The file {file_id} has other content.")
        return file

    def _replaced(self, file: FileAttributes, replacement: Replacement, content: Content) -> FileAttributes:
        """The file as it will be; raises when it may not be so."""
        now = datetime.now(UTC)
        replacement.asker.allowed(file.collection)
        rules.matches_content(file, replacement.if_match)
        rules.may_replace(file, now)
        fresh = rules.replaced(file, content, replacement.changes)
        by = {"uploaded_by": replacement.asker.on_whose_behalf, "uploaded_at": now, "element": self._stamp()}
        fresh = fresh.model_copy(update=by)
        fitting.must_fit(fresh)
        return fresh

    async def _commit_received(self, draft: Draft, staged: Kind, received: Received) -> FileAttributes:
        """`draft` is for content that rides in the journal; otherwise it becomes one of the kind `staged`."""
        staging = received.staging
        self._committer.must_take_writes()
        staging.hand_over()
        draft.content, draft.staging = received.content, staging.name
        if staging.name != NO_STAGING:
            draft.kind = staged
        try:
            return await self._commit(draft)
        except (FileExists, StorageFull, ModeForbids):
            staging.take_back()
            raise

    async def _commit(self, draft: Draft) -> FileAttributes:
        """Wait for the commit even when the caller goes away: the file stays reserved until the outcome is known."""
        with self._modes.committing(rules.OPERATION_OF[draft.kind]):
            self._committer.submit(draft)
            try:
                return await draft.done
            finally:
                self._reader.forget(draft.attributes.file_id)

    async def _same_as_before(self, file: FileAttributes) -> FileAttributes:
        """A create that is repeated gets the first one's answer (idempotent by id and content)."""
        before = await self._reader.attributes(file.file_id)
        if before.content.sha256 != file.content.sha256 or before.collection != file.collection:
            raise FileExists(f"The id {file.file_id} is taken by another file.")
        return before

    def _stamp(self) -> ElementStamp:
        block = self._superblocks.current
        return ElementStamp(id=block.element_id, epoch=block.epoch, lsn=LARGEST)

    def _described(self, upload: Upload, content: Content, at: datetime) -> FileAttributes:
        return fresh_file(upload.file_id, upload.attributes, upload.uploaded_by, content, stamp=self._stamp(), at=at)
