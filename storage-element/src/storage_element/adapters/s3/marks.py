"""The master's mark in a bucket: replaced only by who left it last, unless it is an older master's."""

from pydantic import ValidationError

from artstore_kit.contracts.errors import StorageUnavailable
from storage_element.adapters.s3.attempts import Absent, Taken
from storage_element.adapters.s3.bucket import Bucket, Object
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.mastership import Mark, Sighting


class S3Marks:
    """`master.json`. What cannot be reached is an `OSError` here: it passes."""

    def __init__(self, bucket: Bucket, superblocks: S3Superblocks) -> None:
        self._bucket = bucket
        self._superblocks = superblocks

    @property
    def epoch(self) -> int:
        """Of this node as master; 0 when it is none."""
        return self._superblocks.epoch

    async def write(self, mark: Mark) -> None:
        """Replace the mark; `Fenced`."""
        try:
            there = await self._bucket.head(layout.MARK)
            await self._superblocks.confirm()
            await self._bucket.put(layout.MARK, mark.model_dump_json().encode(), there.etag if there else "")
        except Taken:
            await self._superblocks.confirm()
        except StorageUnavailable as error:
            raise ConnectionError(str(error)) from error

    async def look(self) -> Sighting:
        """The epoch, and the mark that lies there."""
        try:
            await self._superblocks.refresh()
            there = await self._bucket.find(layout.MARK)
        except StorageUnavailable as error:
            raise ConnectionError(str(error)) from error
        except Absent:
            raise FileNotFoundError(f"{layout.SUPERBLOCK} is gone") from None
        return Sighting(self._superblocks.current.epoch, _parsed(there))


def _parsed(there: Object | None) -> Mark | None:
    try:
        return Mark.model_validate_json(there.body) if there else None
    except ValidationError:
        return None
