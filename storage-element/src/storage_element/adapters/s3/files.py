"""Documents as objects below the element's prefix, put in place from journal records."""

from collections.abc import AsyncIterator, Collection, Sequence
from itertools import groupby
from uuid import UUID

from artstore_kit.contracts.errors import FileUnknown
from storage_element.adapters.s3.attempts import Absent
from storage_element.adapters.s3.bucket import Bucket, NotKept
from storage_element.adapters.s3.content import S3Content, open_content
from storage_element.adapters.s3.multipart import Multipart
from storage_element.adapters.s3.placing import Placing
from storage_element.adapters.s3.sessions import Sessions
from storage_element.adapters.s3.side_by_side import answers, outcomes
from storage_element.adapters.s3.staged import StagedContents
from storage_element.adapters.s3.staging import S3Staging
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.adapters.s3.usage import Usage
from storage_element.config import S3Settings
from storage_element.domain import layout
from storage_element.domain.capacity import Room
from storage_element.domain.records import Record
from storage_element.domain.storage import ContentMissing


class S3Files:
    """The element's objects. What the store said that it keeps is looked at again before the journal is dropped."""

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks, sessions: Sessions, settings: S3Settings) -> None:
        self._bucket = bucket
        self._superblocks = superblocks
        self._multipart = Multipart(bucket)
        self._staged = StagedContents(bucket, self._multipart, sessions, superblocks)
        self._usage = Usage(bucket, settings.capacity_bytes or 0)
        self._placing = Placing(bucket, superblocks, self._staged, self._usage)
        self._part_bytes = settings.part_bytes

    # --- changing

    async def place(self, records: Sequence[Record]) -> None:
        """Bring the files to what records say: side by side, those of one file in order."""
        by_file = sorted(records, key=lambda record: (record.file_id.int, record.lsn))
        files = [list(group) for _, group in groupby(by_file, key=lambda record: record.file_id)]
        missing: list[str] = []
        for outcome in await outcomes(self._place_in_order, files):
            if isinstance(outcome, ContentMissing):
                missing.append(str(outcome))
            elif outcome is not None:
                raise outcome
        if missing:
            raise ContentMissing("; ".join(missing))

    async def sync(self) -> None:
        """Return when the store still has everything that it said it had; `NotKept`."""
        await answers(self._verify, list(self._placing.unverified.items()))
        await self._staged.sweep()

    async def remove_content(self, file_id: UUID, version: int) -> None:
        """Remove a version of the content."""
        await self._placing.remove_content(file_id, version)

    async def _place_in_order(self, records: Sequence[Record]) -> None:
        for record in records:
            await self._placing.place(record)

    async def _verify(self, written: tuple[str, str]) -> None:
        key, etag = written
        there = await self._bucket.head(key)
        if self._placing.unverified.get(key) != etag:  # it was written again, or removed, meanwhile
            return
        if there is None or there.etag != etag:
            raise NotKept(f"{key}: the store does not have what it said it had")
        del self._placing.unverified[key]

    # --- staging

    def stage(self, file_id: UUID, version: int, inline_bytes: int) -> S3Staging:
        """Room for one upload."""
        key = layout.content_path(file_id, version)
        return S3Staging(
            self._multipart,
            self._staged,
            key,
            epoch=self._superblocks.current.epoch,
            inline_bytes=inline_bytes,
            part_bytes=self._part_bytes,
        )

    async def clear_staging(self) -> int:
        """Let go of what no record names; and count what is there."""
        left = await self._staged.clear()
        await self._usage.count()
        return left

    # --- reading

    async def taken(self, file_ids: Collection[UUID]) -> set[UUID]:
        """Those that there are."""
        asked = list(file_ids)
        found = await answers(self._bucket.head, list(map(layout.attributes_path, asked)))
        return {file_id for file_id, there in zip(asked, found, strict=True) if there is not None}

    async def read_attributes(self, file_id: UUID) -> bytes:
        """The bytes of attr.json."""
        try:
            return (await self._bucket.get(layout.attributes_path(file_id))).body
        except Absent:
            raise FileUnknown(f"This element has no file {file_id}.") from None

    async def open_content(self, file_id: UUID, version: int) -> S3Content:
        """A version of the content, its beginning already read."""
        try:
            return await open_content(self._bucket, layout.content_path(file_id, version))
        except Absent:
            raise ContentMissing(f"{file_id}: version {version} of the content is missing") from None

    async def all_attributes(self) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
        """Every attr.json, as many at a time as a list has."""
        async for page in self._bucket.list(f"{layout.FILES}/"):
            keys = [each.key for each in page if each.key.endswith(layout.ATTRIBUTES_SUFFIX)]
            found = await answers(self._bucket.find, keys)
            yield [(key, there.body) for key, there in zip(keys, found, strict=True) if there]

    def room(self) -> Room:
        """What is left of the configured limit."""
        return self._usage.room()
