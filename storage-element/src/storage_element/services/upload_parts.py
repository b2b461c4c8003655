"""One part of an upload: taken as it comes, hashed, and durable before it counts."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

from artstore_kit.contracts.errors import ArtStoreError, BodyTimeout, DigestMismatch, FileTooLarge, IncompleteBody
from artstore_kit.exchange import Body
from artstore_kit.finishing import to_the_end
from storage_element.domain.incoming import Hash, Part, Uploads
from storage_element.domain.uploads import UploadSession
from storage_element.services.open_uploads import OpenUpload, OpenUploads
from storage_element.services.receive import Announced


class UploadParts:
    """The parts of all uploads, one part of each upload at a time; `expiry_s` after it the upload is forgotten."""

    def __init__(self, uploads: Uploads, open_uploads: OpenUploads, expiry_s: float) -> None:
        self._uploads = uploads
        self._open = open_uploads
        self._expiry_s = expiry_s

    async def take(self, upload: OpenUpload, announced: Announced, body: Body) -> UploadSession:
        """What came of a part that breaks off counts, unless it had a digest; then the upload as it is now."""
        sha256, of_part = (await to_the_end(self._sha256(upload))).copy(), hashlib.sha256()
        part = await self._uploads.part(upload.session, [sha256, of_part] if announced.sha256 else [sha256])
        upload.has_leftovers = True
        try:
            broken_off = await self._fill(upload, part, body)
            await part.finish()
            if announced.sha256 is not None:
                _as_announced(announced.sha256, of_part, broken_off)
            session = await to_the_end(self._keep(upload, part, sha256))
        finally:
            await to_the_end(part.settle())
        if broken_off:
            raise broken_off
        return session

    async def _fill(self, upload: OpenUpload, part: Part, body: Body) -> ArtStoreError | None:
        """Take what comes; why it broke off, if it did."""
        size, most = upload.session.size, upload.session.to_come_bytes
        try:
            async for chunk in body:
                if size is not None and part.size + len(chunk) > most:
                    raise FileTooLarge(f"The upload was announced with {size} bytes.")
                self._open.cover(upload, part.size + len(chunk))
                upload.promise.cover(part.size + len(chunk))
                await part.write(chunk)
        except (IncompleteBody, BodyTimeout) as broken_off:
            return broken_off
        return None

    async def _keep(self, upload: OpenUpload, part: Part, sha256: Hash) -> UploadSession:
        """Only when the state says so do the bytes count: a crash leaves the upload where it was, or here."""
        offset = upload.session.offset + part.size
        session = upload.session.model_copy(update={"offset": offset, "expires_at": self.expires_at()})
        await self._uploads.save(session)
        upload.session, upload.sha256, upload.expires_at = (
            session,
            sha256,
            asyncio.get_running_loop().time() + self._expiry_s,
        )
        upload.has_leftovers = False
        upload.promise.release(part.size if session.size is not None else upload.promise.size_bytes)
        return session

    async def _sha256(self, upload: OpenUpload) -> Hash:
        """After a restart the content is read once more."""
        if upload.sha256 is None:
            upload.sha256 = await self._uploads.sha256(upload.session)
        return upload.sha256

    async def sha256_of_all(self, upload: OpenUpload) -> Hash:
        """The hash of all that has come. Bytes of a part that does not count go: the content is made anew."""
        if upload.has_leftovers:
            upload.sha256 = None
        sha256 = await self._sha256(upload)
        upload.has_leftovers = False
        return sha256

    def expires_at(self) -> datetime:
        """When an upload is forgotten that nobody goes on with from now on."""
        return datetime.now(UTC) + timedelta(seconds=self._expiry_s)


def _as_announced(sha256: bytes, of_part: Hash, broken_off: ArtStoreError | None) -> None:
    if broken_off:
        raise broken_off
    if of_part.hexdigest() != sha256.hex():
        raise DigestMismatch(f"The part received has the sha-256 {of_part.hexdigest()}.")
