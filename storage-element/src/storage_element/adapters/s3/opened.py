"""An element in a bucket, opened: its parts, and what keeps it from being opened."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from artstore_kit.contracts.errors import StorageUnavailable
from artstore_kit.contracts.modes import Mode
from artstore_kit.start import StartRefused
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.client import open_client
from storage_element.adapters.s3.files import S3Files
from storage_element.adapters.s3.journal import S3Journal
from storage_element.adapters.s3.marks import S3Marks
from storage_element.adapters.s3.probe import probe
from storage_element.adapters.s3.sessions import Sessions
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.adapters.s3.upkeep import S3Upkeep
from storage_element.adapters.s3.uploads import S3Uploads
from storage_element.config import S3Settings
from storage_element.domain.storage import Storage

type Reach = Callable[[], Awaitable[None]]
"""Returns when the store answers; `StorageUnavailable`."""


@dataclass(frozen=True)
class Opened:
    """What an element in a bucket is made of, and where its nodes meet."""

    storage: Storage
    marks: S3Marks
    reach: Reach


@asynccontextmanager
async def open_bucket(settings: S3Settings, element_id: str, mode: Mode) -> AsyncIterator[Opened]:
    """The element's part of the bucket. No lock holds it: whoever takes it over fences off who had it.

    Without the store there is nothing to serve: what ends the start with `StorageUnavailable` becomes `StartRefused`,
    and whoever started this process starts it again.
    """
    async with open_client(settings) as client:
        bucket = Bucket(client, settings)
        storage, superblocks = assembled(bucket, settings, element_id)
        marks = S3Marks(bucket, superblocks)
        try:
            await superblocks.open(element_id, mode)
            await probe(bucket)
            yield Opened(storage, marks, superblocks.reach)
        except StorageUnavailable as error:
            raise StartRefused(f"the store cannot be used: {'; '.join(error.__notes__)}") from None


def assembled(bucket: Bucket, settings: S3Settings, element_id: str) -> tuple[Storage, S3Superblocks]:
    """The parts, with nothing asked of the store yet."""
    superblocks = S3Superblocks(bucket)
    sessions = Sessions(bucket, superblocks)
    storage = Storage(
        journal=S3Journal(bucket, superblocks, element_id),
        files=S3Files(bucket, superblocks, sessions, settings),
        superblocks=superblocks,
        upkeep=S3Upkeep(bucket, superblocks),
        uploads=S3Uploads(bucket, superblocks, sessions, settings.part_bytes),
    )
    return storage, superblocks
