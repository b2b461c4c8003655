"""Puts one record's document in place, so that neither a repetition nor a stale master can harm what is newer."""

import json
from collections.abc import Awaitable, Callable
from uuid import UUID

from artstore_kit.contracts.files import FileAttributes
from storage_element.adapters.s3.attempts import Taken, unavailable
from storage_element.adapters.s3.bucket import Bucket, Object
from storage_element.adapters.s3.staged import EPOCH, StagedContents
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.adapters.s3.usage import Usage
from storage_element.domain import layout
from storage_element.domain.records import NO_STAGING, Kind, Record
from storage_element.domain.storage import Fenced

MOST_TURNS = 5
"""Times that an object may change between being looked at and being replaced."""

type Look = Callable[[str], Awaitable[Object | None]]
type Judge = Callable[[Object], bool]
"""Whether an object may be replaced or removed."""


class Placing:
    """Attributes are judged by the LSN inside, content by the epoch of the master who put it there."""

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks, staged: StagedContents, usage: Usage) -> None:
        self._bucket = bucket
        self._superblocks = superblocks
        self._staged = staged
        self._usage = usage
        self.unverified: dict[str, str] = {}
        """The keys that were written since the last sync, and the ETag that the store named."""

    async def place(self, record: Record) -> None:
        """Bring the document to what `record` says; `ContentMissing`, `Fenced`."""
        if record.kind is Kind.REMOVE:
            await self._remove(record)
            return
        if record.kind is not Kind.CHANGE:
            await self._place_content(record)
        key = layout.attributes_path(record.file_id)
        there = None if record.kind.creates else await self._bucket.find(key)
        await self._put(key, record.attributes, self._bucket.find, _older_than(record), there)

    async def remove_content(self, file_id: UUID, version: int) -> None:
        """Remove a version of the content, if it is there; `Fenced`."""
        await self._take_away(layout.content_path(file_id, version), self._bucket.head, self._is_ours)

    async def _place_content(self, record: Record) -> None:
        content = FileAttributes.model_validate_json(record.attributes).content
        key = layout.content_path(record.file_id, content.version)
        if record.staging == NO_STAGING:
            await self._put(key, record.content, self._bucket.head, self._is_ours)
        else:
            there = await self._staged.complete(record.staging, key, content.stored_size)
            self._usage.add(there.size)
            self.unverified[key] = there.etag

    async def _remove(self, record: Record) -> None:
        """First the attributes: a file is there as long as they are. A later file of this id keeps its own."""
        key = layout.attributes_path(record.file_id)
        if await self._take_away(key, self._bucket.find, _older_than(record)):
            last = FileAttributes.model_validate_json(record.attributes).content.version
            for version in range(last, 0, -1):
                await self.remove_content(record.file_id, version)

    async def _put(self, key: str, body: bytes, look: Look, judge: Judge, there: Object | None = None) -> None:
        """Put `body` at `key`, over what may be replaced; what may not is newer, and stays."""
        epoch = {EPOCH: str(self._superblocks.current.epoch)}
        for _ in range(MOST_TURNS):
            if there is not None and not judge(there):
                return
            try:
                etag = await self._bucket.put(key, body, there.etag if there else "", epoch)
            except Taken:
                there = await look(key)
                continue
            self._usage.add(len(body) - (there.size if there else 0))
            self.unverified[key] = etag
            return
        raise unavailable("put", f"{key} changes all the time")

    async def _take_away(self, key: str, look: Look, judge: Judge) -> bool:
        """Remove what may be removed; False when what is there is newer, and stays."""
        for _ in range(MOST_TURNS):
            there = await look(key)
            if there is None:
                return True
            if not judge(there):
                return False
            try:
                await self._bucket.remove(key, there.etag)
            except Taken:
                continue
            self._usage.add(-there.size)
            self.unverified.pop(key, None)
            return True
        raise unavailable("delete", f"{key} changes all the time")

    def _is_ours(self, there: Object) -> bool:
        """Whether a master of this epoch or an older one put it there."""
        if int(there.metadata.get(EPOCH, "0")) > self._superblocks.current.epoch:
            raise Fenced("a master of a newer epoch has put content in place")
        return True


def _older_than(record: Record) -> Judge:
    return lambda there: _lsn_of(there) < record.lsn


def _lsn_of(there: Object) -> int:
    """The LSN of the revision; what cannot be read is older than everything."""
    try:
        return int(json.loads(there.body)["element"]["lsn"])
    except (ValueError, LookupError, TypeError):
        return -1
