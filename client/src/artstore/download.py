"""A file to the disk: resumed where a cut left it, checked, synced, and only then given its name."""

import asyncio
from pathlib import Path

from artstore.content import ContentStream
from artstore.partial import PartialFile, partial_file
from artstore.sending import Progress
from artstore_kit.contracts.errors import DigestMismatch, RangeNotSatisfiable, RevisionMismatch

WRITTEN_AT_ONCE_BYTES = 1 << 20
_USELESS_PART = (DigestMismatch, RevisionMismatch, RangeNotSatisfiable)


async def download(stream: ContentStream, path: Path, on_progress: Progress | None) -> None:
    """Bring the whole content to `path`. What an earlier attempt left is used if it is of the same version."""
    with partial_file(path) as part:
        try:
            try:
                await _fill(stream, part, on_progress)
            except _USELESS_PART:
                await asyncio.to_thread(part.start_anew, "")
                await _fill_from_the_beginning(stream, part, on_progress)
            await asyncio.to_thread(part.complete)
        finally:
            stream.close()


async def _fill_from_the_beginning(stream: ContentStream, part: PartialFile, on_progress: Progress | None) -> None:
    try:
        await _fill(stream, part, on_progress)
    except _USELESS_PART:
        await asyncio.to_thread(part.start_anew, "")
        raise


async def _fill(stream: ContentStream, part: PartialFile, on_progress: Progress | None) -> None:
    etag = part.etag()
    have = part.size_bytes() if etag else 0
    hasher = await asyncio.to_thread(part.hasher) if have else None
    try:
        await stream.begin(position=have, etag=etag, hasher=hasher)
    except RangeNotSatisfiable:
        if hasher is not None and f'"{hasher.hexdigest()}"' == etag:
            return  # it was complete, and is still the newest version: only the renaming was missing
        raise
    if stream.position == 0:
        await asyncio.to_thread(part.start_anew, stream.etag)
    await _write_all(stream, part, on_progress)


async def _write_all(stream: ContentStream, part: PartialFile, on_progress: Progress | None) -> None:
    waiting: list[bytes] = []
    waiting_bytes = 0
    async for chunk in stream:
        waiting.append(chunk)
        waiting_bytes += len(chunk)
        if waiting_bytes >= WRITTEN_AT_ONCE_BYTES:
            await asyncio.to_thread(part.write, waiting)
            waiting, waiting_bytes = [], 0
        if on_progress:
            on_progress(stream.position, stream.size_bytes)
    await asyncio.to_thread(part.write, waiting)
