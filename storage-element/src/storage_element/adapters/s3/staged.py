"""Content that is kept and not yet seen: where it will be, and what completes it (docs/formats/journal.md)."""

from contextlib import suppress
from uuid import UUID

from pydantic import BaseModel

from storage_element.adapters.s3.attempts import Absent
from storage_element.adapters.s3.bucket import Bucket, Object
from storage_element.adapters.s3.multipart import Multipart, Part, Upload
from storage_element.adapters.s3.pieces import assemble
from storage_element.adapters.s3.sessions import Sessions
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.records import NO_STAGING
from storage_element.domain.storage import ContentMissing

EPOCH = "epoch"
"""Metadata of content: that of the master who put it there."""
UPLOAD = "upload"
"""Metadata of content that was sent in parts: the upload's id."""


class StagedContent(BaseModel):
    """The object `staging/<name>`: a multipart upload whose parts are all there."""

    upload: Upload
    parts: list[Part]
    size: int


class StagedContents:
    """What was staged by this process is remembered; what an earlier one staged is read from the bucket."""

    def __init__(self, bucket: Bucket, multipart: Multipart, sessions: Sessions, superblocks: S3Superblocks) -> None:
        self._bucket = bucket
        self._sessions = sessions
        self._multipart = multipart
        self._superblocks = superblocks
        self._remembered: dict[UUID, StagedContent] = {}
        self._placed: list[str] = []

    async def note(self, name: UUID, content: StagedContent) -> None:
        """Return when the bucket says what `name` is."""
        await self._bucket.put(_key(name), content.model_dump_json().encode())
        self._remembered[name] = content

    async def forget(self, name: UUID, upload: Upload) -> None:
        """Leave nothing behind of what no record names."""
        await self._multipart.abort(upload)
        if name != NO_STAGING:
            await self._bucket.remove_many([_key(name)])
        self._remembered.pop(name, None)

    async def complete(self, name: UUID, key: str, size: int) -> Object:
        """Let the staged content be seen at `key`; it may have been before. The object; `ContentMissing`."""
        with suppress(Absent):  # it was completed before, or somebody let go of it: the object tells
            await self._complete(name, key)
        there = await self._bucket.head(key)
        if there is None or there.size != size:
            raise ContentMissing(f"{key}: the staged content {name} is gone")
        self._remembered.pop(name, None)
        self._placed.append(_key(name))
        return there

    async def _complete(self, name: UUID, key: str) -> None:
        content = self._remembered.get(name) or await self._read(name)
        if content is not None:
            await self._multipart.complete(content.upload, content.parts)
        elif kept := await self._sessions.find(name):
            there = await self._bucket.head(key)
            if there is None or there.metadata.get(UPLOAD) != str(name):
                about = {EPOCH: str(self._superblocks.current.epoch), UPLOAD: str(name)}
                await assemble(self._bucket, kept.pieces, key, about, self._superblocks.confirm)

    async def sweep(self) -> None:
        """Remove the notes of what is in place."""
        placed = list(self._placed)
        await self._bucket.remove_many(placed)
        del self._placed[: len(placed)]

    async def clear(self) -> int:
        """Let go of everything that neither a record nor an open upload names; right after replay. How much there was.

        It is listed first: as long as nobody has taken over, all that was listed is of this epoch or of older ones.
        """
        listed = [each.key async for page in self._bucket.list(f"{layout.STAGING}/") for each in page]
        uploads = [each async for each in self._multipart.list(f"{layout.FILES}/")]
        open_ones = {piece.key for kept in await self._sessions.read_all() for piece in kept.pieces}
        notes = [key for key in listed if key not in open_ones and not key.endswith(layout.SESSION_SUFFIX)]
        await self._superblocks.confirm()
        for upload in uploads:
            await self._multipart.abort(upload)
        await self._bucket.remove_many(notes)
        return max(len(notes), len(uploads))

    async def _read(self, name: UUID) -> StagedContent | None:
        there = await self._bucket.find(_key(name))
        return StagedContent.model_validate_json(there.body) if there else None


def _key(name: UUID) -> str:
    return f"{layout.STAGING}/{name}"
