"""The element's own care in a bucket: walking, rereading, putting aside, notes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from itertools import count, groupby
from uuid import UUID

from storage_element.adapters.s3.attempts import Absent, OutOfRange, Taken, unavailable
from storage_element.adapters.s3.bucket import Bucket, Listed
from storage_element.adapters.s3.moving import move
from storage_element.adapters.s3.side_by_side import answers
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.storage import ContentMissing
from storage_element.domain.upkeep import Directory, Entry, Pace, Reason, Reread

PIECE_BYTES = 4 * 2**20
MOST_TURNS = 5


class S3Upkeep:
    """Walks, rereads and puts aside below the element's prefix."""

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks) -> None:
        self._bucket = bucket
        self._superblocks = superblocks

    async def walk(self, first: str = "") -> AsyncIterator[Directory]:
        """The directories that hold files, in the order of their keys, from `first` on."""
        path, entries = "", list[Entry]()
        async for page in self._bucket.list(f"{layout.FILES}/", after=first and f"{first}/"):
            for directory, listed in groupby(page, key=_directory_of):
                if directory != path and entries:
                    yield Directory(path, entries)
                    entries = []
                path = directory
                entries += [Entry(each.key.rpartition("/")[2], each.size, each.changed_at) for each in listed]
        if entries:
            yield Directory(path, entries)

    async def reread(self, file_id: UUID, version: int, pace: Pace) -> Reread:
        """Read a version of the content from the store, in pieces of one and the same object."""
        key = layout.content_path(file_id, version)
        there = await self._bucket.head(key)
        if there is None:
            raise ContentMissing(f"{key} is not there")
        sha256 = hashlib.sha256()
        for start in range(0, there.size, PIECE_BYTES):
            await pace(min(PIECE_BYTES, there.size - start))
            try:
                piece = await self._bucket.get_range(key, start, start + PIECE_BYTES - 1, there.etag)
            except (Absent, Taken, OutOfRange):
                raise ContentMissing(f"{key} was removed meanwhile") from None
            await asyncio.to_thread(sha256.update, piece.body)
        return Reread(there.size, sha256.hexdigest())

    async def put_aside(self, reason: Reason, path: str | None) -> Reason:
        """First the reason, which takes a name that is free, then the object beside it."""
        await self._superblocks.confirm()
        about = reason.path.rpartition("/")[2]
        for number in count(1):
            name = f"{about}.{number}"
            written = reason.model_copy(update={"moved_to": None if path is None else name})
            key = f"{layout.QUARANTINE}/{name}"
            if await self._bucket.head(key) is None and await self._write_reason(key, written):
                break
        if path is not None:
            await move(self._bucket, path, key)
        return written

    async def reasons(self) -> AsyncIterator[Sequence[bytes]]:
        """Every reason in quarantine/, as many at a time as a list has."""
        async for page in self._bucket.list(f"{layout.QUARANTINE}/"):
            keys = [each.key for each in page if each.key.endswith(layout.REASON_SUFFIX)]
            yield [there.body for there in await answers(self._bucket.find, keys) if there]

    async def note(self, name: str) -> bytes | None:
        """What was kept last under this name."""
        there = await self._bucket.find(layout.note_path(name))
        return there.body if there else None

    async def take_note(self, name: str, data: bytes) -> None:
        """Keep it; `Fenced`."""
        await self._superblocks.confirm()
        key = layout.note_path(name)
        for _ in range(MOST_TURNS):
            there = await self._bucket.head(key)
            try:
                await self._bucket.put(key, data, there.etag if there else "")
            except Taken:
                continue
            return
        raise unavailable("put", f"{key} changes all the time")

    async def _write_reason(self, key: str, reason: Reason) -> bool:
        """False when another one has this name."""
        try:
            await self._bucket.put(f"{key}{layout.REASON_SUFFIX}", reason.to_json())
        except Taken:
            return False
        return True


def _directory_of(listed: Listed) -> str:
    return listed.key.rpartition("/")[0]
