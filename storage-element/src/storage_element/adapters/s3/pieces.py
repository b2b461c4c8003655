"""Content that is kept in pieces until it is committed: objects of their own, which the store copies into one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import BaseModel

from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.multipart import Multipart, Part, Upload
from storage_element.adapters.s3.side_by_side import answers

LEAST_BYTES = 5 * 2**20
"""Of every piece but the last (the protocol's limit for a part)."""

type Confirm = Callable[[], Awaitable[None]]
"""Raises `Fenced` when another node has taken over."""


class Piece(BaseModel):
    """One object, `size` bytes of content."""

    key: str
    size: int
    etag: str


def size_of(pieces: Sequence[Piece]) -> int:
    """In bytes."""
    return sum(piece.size for piece in pieces)


async def assemble(
    bucket: Bucket, pieces: Sequence[Piece], key: str, metadata: Mapping[str, str], confirm: Confirm
) -> None:
    """Make one object of the pieces, which stay; `Absent` when one is gone, `Taken` when it is another; `Fenced`.

    The master is confirmed between beginning and completing: who takes over later lets go of every upload that was
    begun before, and this one cannot be completed any more.
    """
    multipart = Multipart(bucket)
    upload = await multipart.begin(key, metadata)
    try:
        parts = await _parts(bucket, multipart, upload, pieces)
        await confirm()
        await multipart.complete(upload, parts)
    except BaseException:
        await multipart.abort(upload)
        raise


async def _parts(bucket: Bucket, multipart: Multipart, upload: Upload, pieces: Sequence[Piece]) -> list[Part]:
    async def copied(numbered: tuple[int, Piece]) -> Part:
        number, piece = numbered
        source = {"CopySource": bucket.at(piece.key), "CopySourceIfMatch": piece.etag}
        return await multipart.copy(upload, number, source, 0, piece.size - 1)

    if not pieces:
        return [await multipart.put(upload, 1, b"")]
    return await answers(copied, list(enumerate(pieces, start=1)))
