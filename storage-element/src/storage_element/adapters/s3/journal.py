"""The write-ahead log in a bucket: one object a group commit, which counts if it was kept before anybody took over."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

from storage_element.adapters.s3.attempts import Absent, Taken
from storage_element.adapters.s3.bucket import Bucket, NotKept
from storage_element.adapters.s3.segments import Segment, first_lsn_of, from_bytes, key_of, to_bytes
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.records import Record
from storage_element.domain.storage import Closed, Fenced, JournalDamaged

READ_AHEAD = 4


class S3Journal:
    """The objects below `journal/`. One verb at a time.

    When an append ends with `StorageUnavailable` it is open what was written. Nobody was told that it was, and the
    next append takes its place; recovery would find it.
    """

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks, element_id: str) -> None:
        self._bucket = bucket
        self._superblocks = superblocks
        self._element_id = element_id
        self._keys: list[str] | None = None
        self._listed_in = 0
        self.next_lsn = 1
        self.durable_lsn = 0
        self.epoch = 0
        self.written_bytes = 0

    # --- writing

    async def start(self, next_lsn: int, epoch: int) -> None:
        """Begin to write at `next_lsn`."""
        self.next_lsn, self.durable_lsn, self.epoch = next_lsn, next_lsn - 1, epoch
        self._keys, self._listed_in = [], self._superblocks.epoch

    async def append(self, records: Sequence[Record]) -> None:
        """Return when `records`, which begin at `next_lsn`, are kept, and were so before anybody took over.

        `Fenced`; `NotKept` when the store does not have what it said it had; `StorageUnavailable`.
        """
        key, data = key_of(records[0].lsn), to_bytes(records, self._element_id, self.durable_lsn)
        etag = await self._put(key, data)
        kept, _ = await asyncio.gather(self._bucket.head(key), self._superblocks.confirm())
        if kept is None or (kept.etag, kept.size) != (etag, len(data)):
            raise NotKept(f"{key}: the store does not have what it said it had")
        self.written_bytes += len(data)
        self._written().append(key)
        self.next_lsn = records[-1].lsn + 1
        self.durable_lsn = records[-1].lsn

    async def rotate(self) -> Closed:
        """All objects so far; there is always a new one next."""
        self.written_bytes = 0
        return Closed(self.durable_lsn, list(self._written()))

    async def drop(self, segments: Sequence[str]) -> None:
        """Remove objects. What a crash in between leaves lies before the checkpoint, and is not read."""
        await self._bucket.remove_many(segments)
        self._keys = [key for key in self._written() if key not in set(segments)]

    def _written(self) -> list[str]:
        assert self._keys is not None, "start() or read() comes first"
        return self._keys

    async def _put(self, key: str, data: bytes) -> str:
        """Where an object is already nobody was told of it, if it is not of a newer epoch: then it is replaced."""
        try:
            return await self._bucket.put(key, data)
        except Taken:
            there = await self._bucket.get(key)
        if from_bytes(key, there.body, self._element_id).epoch > self.epoch:
            raise Fenced(f"{key}: of a newer epoch than {self.epoch}")
        try:
            return await self._bucket.put(key, data, replacing=there.etag)
        except Taken:
            raise Fenced(f"{key}: another node writes it") from None

    # --- reading

    async def segments(self) -> Sequence[str]:
        """The objects that were there when they were first asked for, and those written since, oldest first.

        They are asked for again once this is the master: another one may have written more until then. What lies behind
        the last record that counts is not among them: it may be of a newer master.
        """
        if self._keys is None or self._listed_in != self._superblocks.epoch:
            await self._list()
        return list(self._written())

    async def last_begun_lsn(self) -> int:
        """0: an object is there with its records or not at all."""
        return 0

    async def read(self) -> AsyncIterator[Sequence[Record]]:
        """Every record after the checkpoint, an object at a time, of the objects that were there at first.

        What an older epoch than the checkpoint's wrote after it was never acknowledged: its writer was fenced.
        """
        checkpoint = self._superblocks.current
        expected = 0
        async for key, segment in self._in_order(await self.segments()):
            first, last = segment.records[0].lsn, segment.records[-1].lsn
            if segment.epoch < checkpoint.checkpoint_epoch:
                self._written().remove(key)
                break
            if first != (expected or first):
                raise JournalDamaged(f"{key}: begins at LSN {first}, not {expected}. Nothing was changed.")
            expected = last + 1
            yield segment.records

    async def _list(self) -> None:
        self._listed_in = self._superblocks.epoch
        listed = [each.key async for page in self._bucket.list(f"{layout.JOURNAL}/") for each in page]
        self._keys = [key for key in listed if first_lsn_of(key) is not None]

    async def _in_order(self, keys: Sequence[str]) -> AsyncIterator[tuple[str, Segment]]:
        """Those after the checkpoint, some read ahead."""
        covered = self._superblocks.current.checkpoint_lsn
        wanted = deque(key for key in keys if (first_lsn_of(key) or 0) > covered)
        coming: deque[tuple[str, asyncio.Task[Segment]]] = deque()
        try:
            while wanted or coming:
                while wanted and len(coming) < READ_AHEAD:
                    key = wanted.popleft()
                    coming.append((key, asyncio.create_task(self._get(key))))
                key, task = coming.popleft()
                yield key, await task
        finally:
            for _, task in coming:
                task.cancel()
            await asyncio.gather(*(task for _, task in coming), return_exceptions=True)

    async def _get(self, key: str) -> Segment:
        try:
            there = await self._bucket.get(key)
        except Absent:
            await self._superblocks.confirm()
            raise JournalDamaged(f"{key} is gone, and nobody has taken over. Nothing was changed.") from None
        return from_bytes(key, there.body, self._element_id)
