"""How much of the room that an element may take in a bucket is taken: counted at start, then kept up to date."""

from storage_element.adapters.s3.bucket import Bucket
from storage_element.domain import layout
from storage_element.domain.capacity import Room


class Usage:
    """Bytes of documents. The journal is not counted: it is emptied by every checkpoint."""

    def __init__(self, bucket: Bucket, limit_bytes: int) -> None:
        self._bucket = bucket
        self._limit_bytes = limit_bytes
        self._used_bytes = 0

    async def count(self) -> None:
        """Ask the bucket: a list of a thousand objects at a time."""
        counted = 0
        for below in (layout.FILES, layout.QUARANTINE):
            async for page in self._bucket.list(f"{below}/"):
                counted += sum(each.size for each in page)
        self._used_bytes = counted

    def add(self, size_bytes: int) -> None:
        """So much more is there now, or less."""
        self._used_bytes += size_bytes

    def room(self) -> Room:
        """What is left of the limit."""
        return Room(self._limit_bytes, max(self._limit_bytes - self._used_bytes, 0))
