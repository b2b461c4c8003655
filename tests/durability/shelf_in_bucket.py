"""Elements in a bucket of a real store: copied, looked at, and set to work."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID, uuid4

import s3_servers
from element_core import at_work
from s3_servers import BUCKET
from sides import BucketSide
from told import Told

from storage_element.adapters.s3.client import open_client
from storage_element.adapters.s3.sessions import KeptSession
from storage_element.domain import layout
from tests.durability.bed import Bed, made
from tests.durability.bucket_wire import Wire
from tests.durability.ledger import UPLOAD, Event, Ledger, Version
from tests.durability.operations import Before, furnish
from tests.durability.verdict import HARMED
from tests.durability.world import Tree

LIMITS = {"give_up_s": 5.0, "attempts_count": 3}


@dataclass(frozen=True)
class Start:
    """An element as it lies below a prefix after a kill, what was promised of it, and the files known by name."""

    prefix: str
    events: Sequence[Event]
    files: Mapping[str, UUID]
    told: Sequence[bytes] = ()


@dataclass
class Store:
    """A real store: reached over a wire that can break, and besides."""

    url: str
    wire: Wire
    wired: Any
    plain: Any

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator[Self]:
        """With an empty bucket."""
        settings, wire = s3_servers.settings_of(url, ""), Wire()
        async with open_client(settings) as wired, open_client(settings) as plain:
            await plain.create_bucket(Bucket=BUCKET)
            wire.between(wired)
            yield cls(url, wire, wired, plain)

    def wired_bed(
        self, prefix: str, ledger: Ledger, spool: Told, files: Mapping[str, UUID]
    ) -> AbstractAsyncContextManager[Bed]:
        """An element, recovered from what lies there, behind the wire. Leaving it is like kill -9."""
        return self._bed(self.wired, prefix, ledger, spool, files)

    def bed(self, prefix: str, ledger: Ledger, spool: Told) -> AbstractAsyncContextManager[Bed]:
        """An element, recovered from what lies there, that no wire disturbs."""
        return self._bed(self.plain, prefix, ledger, spool, {})

    async def starts(self) -> Mapping[Before, Start]:
        """What operations begin with. Nothing is kept of a bucket that could be cut off with the power."""
        prefix, ledger, spool = uuid4().hex, Ledger(), Told()
        async with self.bed(prefix, ledger, spool) as bed:
            await furnish(bed)
        harmed = await self.copy(prefix)
        content = layout.content_path(bed.files["changed"], 1)
        await self.plain.put_object(Bucket=BUCKET, Key=f"{harmed}/{content}", Body=HARMED)
        return {
            Before.EMPTY: Start(uuid4().hex, (), {}),
            Before.KILLED: Start(prefix, ledger.events, bed.files, spool.lines),
            Before.HARMED: Start(harmed, ledger.events, bed.files, spool.lines),
        }

    async def copy(self, prefix: str) -> str:
        """All that lies there, below another prefix."""
        fresh = uuid4().hex
        keys = await self._keys(prefix)
        await asyncio.gather(
            *(
                self.plain.copy_object(
                    Bucket=BUCKET, Key=f"{fresh}/{key}", CopySource={"Bucket": BUCKET, "Key": f"{prefix}/{key}"}
                )
                for key in keys
            )
        )
        return fresh

    async def tree(self, prefix: str) -> Tree:
        """What lies there, with the directories that a copy on a disk would have."""
        keys = await self._keys(prefix)
        bodies = await asyncio.gather(*(self._body(f"{prefix}/{key}") for key in keys))
        found: dict[str, bytes | None] = {
            parent: None for key in [f"{layout.FILES}/", *keys] for parent in _parents(key)
        }
        return found | dict(zip(keys, bodies, strict=True))

    async def _keys(self, prefix: str) -> list[str]:
        pages = self.plain.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        return [each["Key"].removeprefix(f"{prefix}/") async for page in pages for each in page.get("Contents", ())]

    async def _body(self, key: str) -> bytes:
        body: bytes = await (await self.plain.get_object(Bucket=BUCKET, Key=key))["Body"].read()
        return body

    @asynccontextmanager
    async def _bed(
        self, client: Any, prefix: str, ledger: Ledger, spool: Told, files: Mapping[str, UUID]
    ) -> AsyncIterator[Bed]:
        settings = s3_servers.settings_of(self.url, prefix, **LIMITS)
        async with BucketSide(client, settings).opened() as storage, at_work(storage, spool) as core:
            yield await made(core, ledger, files)


def _parents(key: str) -> Iterator[str]:
    parts = key.split("/")[:-1]
    return ("/".join(parts[:count]) for count in range(1, len(parts) + 1))


def parted(tree: Tree) -> tuple[Tree, Mapping[UUID, Version]]:
    """Uploads that can be gone on with, and what is left without their sessions and pieces."""
    left, uploads = dict(tree), dict[UUID, Version]()
    for key in [key for key in tree if key.endswith(layout.SESSION_SUFFIX)]:
        kept = KeptSession.model_validate_json(left.pop(key) or b"")
        content = b"".join(left.pop(piece.key) or b"" for piece in kept.pieces)
        sha256 = hashlib.sha256(content[: kept.session.offset]).hexdigest()
        uploads[kept.session.upload_id] = Version(sha256, kept.session.offset, UPLOAD)
    return left, uploads
