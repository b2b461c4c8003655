"""Gives an object another key: the store copies it, and what was copied is removed."""

from storage_element.adapters.s3.attempts import Absent
from storage_element.adapters.s3.bucket import Bucket, NotKept, Object
from storage_element.adapters.s3.multipart import Multipart

MOST_AT_ONCE_BYTES = 5 * 2**30
"""What the protocol copies in one request."""


async def move(bucket: Bucket, source: str, target: str) -> None:
    """Return when the object is at `target`, whole, and no more at `source`; where there is none, none is moved."""
    there = await bucket.head(source)
    if there is None:
        return
    await _copy(bucket, source, target, there)
    copied = await bucket.head(target)
    if copied is None or copied.size != there.size:
        raise NotKept(f"{target}: the store does not have what it was to copy")
    await bucket.remove(source, there.etag)


async def _copy(bucket: Bucket, source: str, target: str, there: Object) -> None:
    asked = {"CopySource": bucket.at(source), "CopySourceIfMatch": there.etag}
    if there.size <= MOST_AT_ONCE_BYTES:
        await bucket.attempts("copy_object", lambda: bucket.client.copy_object(**bucket.at(target), **asked))
        return
    multipart = Multipart(bucket)
    upload = await multipart.begin(target, there.metadata)
    try:
        ranges = range(0, there.size, MOST_AT_ONCE_BYTES)
        parts = [
            await multipart.copy(upload, number, asked, start, min(start + MOST_AT_ONCE_BYTES, there.size) - 1)
            for number, start in enumerate(ranges, start=1)
        ]
        await multipart.complete(upload, parts)
    except Absent:
        raise NotKept(f"{target}: the upload of its copy is gone") from None
    finally:
        await multipart.abort(upload)
