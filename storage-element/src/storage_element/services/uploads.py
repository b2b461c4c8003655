"""Uploads that are sent in parts: each part is durable when it is answered, and the upload goes on where it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

from artstore_kit.contracts.errors import (
    DigestMismatch,
    FileExists,
    FileUnknown,
    StorageUnavailable,
    UploadUnknown,
)
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.exchange import Body
from artstore_kit.finishing import to_the_end
from storage_element.domain.asker import Asker
from storage_element.domain.incoming import Uploads
from storage_element.domain.origin import Origin
from storage_element.domain.storage import Files
from storage_element.domain.uploads import UploadSession
from storage_element.services.commit import Committer
from storage_element.services.measure import Measure
from storage_element.services.open_uploads import OpenUpload, OpenUploads
from storage_element.services.receive import Announced, Received, Receiver
from storage_element.services.upload_parts import UploadParts
from storage_element.services.write import Upload, Writer

LEAST_AFTER_RESTART_S = 60.0


class UploadSessions:
    """Creating, continuing, committing and giving up uploads; `expiry_s` after its last part an upload is forgotten."""

    def __init__(
        self,
        *,
        uploads: Uploads,
        files: Files,
        writer: Writer,
        receiver: Receiver,
        measure: Measure,
        open_uploads: OpenUploads,
        committer: Committer,
        expiry_s: float,
    ) -> None:
        self._uploads = uploads
        self._files = files
        self._writer = writer
        self._receiver = receiver
        self._measure = measure
        self._open = open_uploads
        self._parts = UploadParts(uploads, open_uploads, expiry_s)
        self._committer = committer
        self._expiry_s = expiry_s

    async def load(self) -> None:
        """Take up what was open before the restart, right after recovery."""
        for session in await self._uploads.all():
            left_s = (session.expires_at - datetime.now(UTC)).total_seconds()
            left_s = min(max(left_s, LEAST_AFTER_RESTART_S), self._expiry_s)
            promise = self._measure.promised_before(session.to_come_bytes)
            self._open.add(OpenUpload(session, promise, _now() + left_s))

    async def create(self, upload: Upload, size: int | None) -> UploadSession:
        """Begin an upload, and reserve its room; `StorageFull`, `UploadLimitReached`, `FileExists`."""
        self._writer.may_create(upload)
        with self._open.beginning(size or 0):
            return await self._begin(upload, size)

    async def _begin(self, upload: Upload, size: int | None) -> UploadSession:
        if await self._files.taken([upload.file_id]):
            raise FileExists
        session = UploadSession(
            upload_id=uuid4(),
            file_id=upload.file_id,
            attributes=upload.attributes,
            uploaded_by=upload.uploaded_by,
            size=size,
            expires_at=self._parts.expires_at(),
        )
        with self._receiver.telling():
            return await to_the_end(self._make(session))

    def find(self, upload_id: UUID, uploaded_by: str) -> UploadSession:
        """An open upload as it is now; `UploadUnknown`."""
        return self._open.find(upload_id, uploaded_by).session

    async def append(
        self, upload_id: UUID, asker: Asker, offset: int, announced: Announced, body: Body
    ) -> UploadSession:
        """Take a part that begins at `offset`. What came of a part that breaks off counts, unless it had a digest."""
        self._committer.must_take_writes()
        upload = self._find(upload_id, asker)
        upload.session.must_continue(offset, announced.size)
        with self._receiver.telling():
            return await self._open.alone(upload, partial(self._receive, upload, offset, announced, body))

    async def commit(
        self, upload_id: UUID, asker: Asker, sha256: bytes | None, file_id: UUID | None = None
    ) -> tuple[FileAttributes, bool]:
        """Make it a file; its attributes, and False when the same file was there already.

        Whoever repeats it, because the answer was lost, names the file and its digest; `UploadUnknown`.
        """
        try:
            upload = self._find(upload_id, asker)
            with self._receiver.telling():
                return await self._open.alone(upload, lambda: _whole(self._commit, upload, sha256, asker.origin))
        except UploadUnknown:
            if file_id is None or sha256 is None:
                raise
            return await self._committed(file_id, asker, sha256), False

    async def _committed(self, file_id: UUID, asker: Asker, sha256: bytes) -> FileAttributes:
        try:
            file = await self._writer.stored_before(file_id, asker.on_whose_behalf, sha256)
        except FileUnknown:
            raise UploadUnknown from None
        asker.allowed(file.collection)
        return file

    def _find(self, upload_id: UUID, asker: Asker) -> OpenUpload:
        """An upload is open for a day: the grant that it was begun with may have been taken away meanwhile."""
        upload = self._open.find(upload_id, asker.on_whose_behalf)
        asker.allowed(upload.session.attributes.collection)
        return upload

    async def abort(self, upload_id: UUID, uploaded_by: str) -> None:
        """Forget it and what came of it."""
        self._committer.must_take_writes()
        upload = self._open.find(upload_id, uploaded_by)
        with self._receiver.telling():
            await self._open.alone(upload, lambda: _whole(self._give_up, upload))

    async def reap(self) -> None:
        """Forget what nobody has gone on with for too long; somebody may while the one before is being forgotten."""
        while not self._committer.fault and (expired := self._open.expired(_now())):
            await self._open.alone(expired[0], lambda: _whole(self._give_up, expired[0]))

    async def _make(self, session: UploadSession) -> UploadSession:
        promise = self._measure.promise(session.size or 0)
        try:
            await self._uploads.make(session)
        except BaseException:
            promise.release(promise.size_bytes)
            raise
        self._open.add(OpenUpload(session, promise, _now() + self._expiry_s))
        return session

    async def _receive(self, upload: OpenUpload, offset: int, announced: Announced, body: Body) -> UploadSession:
        self._must_be_certain(upload)
        upload.session.must_continue(offset, announced.size)
        with self._open.receiving(upload, announced.size or 0):
            return await self._parts.take(upload, announced, body)

    async def _commit(self, upload: OpenUpload, sha256: bytes | None, origin: Origin) -> tuple[FileAttributes, bool]:
        session = upload.session
        session.must_be_whole()
        found = (await self._parts.sha256_of_all(upload)).hexdigest()
        if sha256 is not None and found != sha256.hex():
            raise DigestMismatch(f"The content received has the sha-256 {found}.")
        file = Upload(session.file_id, session.attributes, session.uploaded_by, origin)
        stored = await self._writer.store(file, Received(upload, session.offset, found, b""))
        self._open.drop(upload)
        try:
            await self._uploads.remove(upload.name)
        except OSError as error:  # it is a file all the same; the next start clears away what is left of the upload
            self._receiver.told(error)
        return stored

    async def _give_up(self, upload: OpenUpload) -> None:
        self._must_be_certain(upload)
        await self._forget(upload)

    def _must_be_certain(self, upload: OpenUpload) -> None:
        """Whoever waited for a commit to end may find that nobody knows how it did."""
        self._committer.must_take_writes()
        if upload.is_in_doubt:
            raise StorageUnavailable("It is not known whether the upload was committed; commit it again.")

    async def _forget(self, upload: OpenUpload) -> None:
        await self._uploads.remove(upload.name)
        self._open.drop(upload)


async def _whole[*Args, T](work: Callable[[*Args], Awaitable[T]], *args: *Args) -> T:
    """Not begun at all when somebody takes over before; once begun, done to the end."""
    return await to_the_end(work(*args))


def _now() -> float:
    return asyncio.get_running_loop().time()
