"""Creating, changing and removing files: the write path of DESIGN section 4."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from artstore_kit.contracts import modes
from artstore_kit.contracts.errors import (
    ArtStoreError,
    AttributesTooLarge,
    DigestMismatch,
    FileExists,
    IncompleteBody,
    StorageFault,
    StorageFull,
)
from artstore_kit.contracts.files import (
    ATTRIBUTES_LIMIT_BYTES,
    AttributeChanges,
    Content,
    ElementStamp,
    Encoding,
    FileAttributes,
    UploadAttributes,
)
from artstore_kit.contracts.modes import Operation
from artstore_kit.exchange import Body
from storage_element.domain import rules
from storage_element.domain.faults import is_out_of_room, is_passing
from storage_element.domain.records import NO_STAGING, Kind
from storage_element.domain.storage import Files, Staging, Superblocks
from storage_element.services.commit import Committer, Draft
from storage_element.services.measure import Measure, Promise
from storage_element.services.read import Reader
from storage_element.services.reservations import Reservations

LARGEST = 2**63 - 1
LATEST = datetime.max.replace(tzinfo=UTC)
"""With these, what attr.json will hold is as long as it can become."""


@dataclass(frozen=True)
class Upload:
    """What the sender announces: `size` is None for a chunked body, `sha256` when no digest was sent."""

    file_id: UUID
    attributes: UploadAttributes
    uploaded_by: str
    size: int | None
    sha256: bytes | None


class Writer:
    """All changes to this element's files."""

    def __init__(
        self,
        *,
        committer: Committer,
        files: Files,
        reader: Reader,
        superblocks: Superblocks,
        measure: Measure,
        reservations: Reservations,
        inline_bytes: int,
    ) -> None:
        self._committer = committer
        self._files = files
        self._reader = reader
        self._superblocks = superblocks
        self._measure = measure
        self._alone = reservations.alone
        self._inline_bytes = inline_bytes

    async def create(self, upload: Upload, body: Body) -> tuple[FileAttributes, bool]:
        """Store a new file; its attributes, and False when the same file was there already."""
        modes.require(self._superblocks.current.mode, Operation.CREATE)
        self._committer.must_take_writes()
        self._fits(_drafted(upload, LARGEST, "0" * 64, self._stamp(), LATEST))
        with self._alone(upload.file_id), self._measure.promised(upload.size or 0) as promise:
            staging = self._files.stage(self._inline_bytes)
            try:
                await self._receive(upload, body, staging, promise)
                return await self._store(upload, staging)
            except OSError as error:
                raise self._storage_error(error) from error
            finally:
                if not staging.is_in_memory:
                    await asyncio.shield(staging.discard())

    async def change(self, file_id: UUID, changes: AttributeChanges, if_match: str | None) -> FileAttributes:
        """Write the next revision of the attributes; the file as it is then."""
        mode = self._superblocks.current.mode
        modes.require(mode, Operation.CHANGE_ATTRIBUTES)
        with self._alone(file_id):
            file = await self._reader.attributes(file_id)
            rules.matches_revision(file, if_match)
            fresh = rules.changed(file, changes, mode)
            self._fits(fresh)
            return await self._commit(Draft(Kind.CHANGE, fresh))

    async def remove(self, file_id: UUID, if_match: str | None) -> None:
        """Remove a file that neither a hold nor its retention keeps."""
        modes.require(self._superblocks.current.mode, Operation.DELETE)
        with self._alone(file_id):
            file = await self._reader.attributes(file_id)
            rules.matches_revision(file, if_match)
            rules.may_remove(file, datetime.now(UTC))
            await self._commit(Draft(Kind.REMOVE, file.model_copy()))

    async def _receive(self, upload: Upload, body: Body, staging: Staging, promise: Promise) -> None:
        async for chunk in body:
            promise.cover(staging.size + len(chunk))
            await staging.write(chunk)
            if not staging.is_small:
                break
        while not staging.is_small and (length := await body.read_into(staging.room())):
            promise.cover(staging.size + length)
            await staging.filled(length)
        if upload.size is not None and staging.size != upload.size:
            raise IncompleteBody(f"{upload.size} bytes were announced and {staging.size} came.")

    async def _store(self, upload: Upload, staging: Staging) -> tuple[FileAttributes, bool]:
        content, sha256 = await staging.finish()
        if upload.sha256 is not None and sha256 != upload.sha256.hex():
            raise DigestMismatch(f"The content received has the sha-256 {sha256}.")
        kind = Kind.CREATE_INLINE if staging.name == NO_STAGING else Kind.CREATE_STAGED
        file = _drafted(upload, staging.size, sha256, self._stamp(), datetime.now(UTC))
        self._committer.must_take_writes()
        staging.hand_over()
        try:
            return await self._commit(Draft(kind, file, content, staging.name)), True
        except FileExists:
            staging.take_back()
            return await self._same_as_before(file), False
        except StorageFull:
            staging.take_back()
            raise

    async def _commit(self, draft: Draft) -> FileAttributes:
        """Wait for the commit even when the caller goes away: the file stays reserved until the outcome is known."""
        self._committer.submit(draft)
        try:
            return await asyncio.shield(draft.done)
        except asyncio.CancelledError:
            await asyncio.wait([draft.done])
            raise
        finally:
            self._reader.forget(draft.attributes.file_id)

    async def _same_as_before(self, file: FileAttributes) -> FileAttributes:
        """A create that is repeated gets the first one's answer (idempotent by id and content)."""
        before = await self._reader.attributes(file.file_id)
        if before.content.sha256 != file.content.sha256 or before.collection != file.collection:
            raise FileExists(f"The id {file.file_id} is taken by another file.")
        return before

    def _storage_error(self, error: OSError) -> ArtStoreError:
        """Out of room concerns one upload; any other error of the disk stops all writes."""
        if is_out_of_room(error):
            return StorageFull("The element has no room for this file.")
        if is_passing(error):
            return StorageFault("The element is short of memory or open files; try again.")
        self._committer.fail(error)
        return StorageFault()

    def _stamp(self) -> ElementStamp:
        block = self._superblocks.current
        return ElementStamp(id=block.element_id, epoch=block.epoch, lsn=LARGEST)

    def _fits(self, file: FileAttributes) -> None:
        stamped = file.model_copy(update={"element": self._stamp()})
        size = len(stamped.to_json())
        if size > ATTRIBUTES_LIMIT_BYTES:
            raise AttributesTooLarge(f"attr.json would have {size} bytes; {ATTRIBUTES_LIMIT_BYTES} are allowed.")


def _drafted(upload: Upload, size: int, sha256: str, stamp: ElementStamp, at: datetime) -> FileAttributes:
    """Made without validation: each part was validated when it came, and here time counts."""
    given = upload.attributes
    return FileAttributes.model_construct(
        schema_version=1,
        file_id=upload.file_id,
        revision=1,
        content=Content.model_construct(
            name=given.name,
            media_type=given.media_type,
            size=size,
            sha256=sha256,
            version=1,
            encoding=Encoding.IDENTITY,
            stored_size=size,
            stored_sha256=sha256,
        ),
        uploaded_by=upload.uploaded_by,
        uploaded_at=at,
        collection=given.collection,
        retention=given.retention,
        holds=given.holds,
        description=given.description,
        tags=given.tags,
        metadata=given.metadata,
        element=stamp,
    )
