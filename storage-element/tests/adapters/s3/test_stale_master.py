"""A master in a bucket is stopped while it puts an upload in parts in place; it goes on when another has taken over."""

import asyncio
from asyncio import Event
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from running_element import MIB
from s3_servers import settings_of
from scribe import Scribe, everything, shown
from sides import BucketSide
from upload_in_parts import begun, sent

from artstore_kit.testing.documents import document
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.multipart import Multipart
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import Fenced, Storage

OLD, NEW = b"old" * 2 * MIB, b"new" * 2 * MIB


@pytest.fixture
def side(seaweed_client: Any, seaweed_url: str) -> BucketSide:
    """moto fails where an upload was given up."""
    return BucketSide(seaweed_client, settings_of(seaweed_url, uuid4().hex))


@contextmanager
def held_before(
    client: Any, verb: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[asyncio.Event, asyncio.Event]]:
    """The next request of this kind waits: it has been reached, and it may go on."""
    reached, go_on, really = Event(), Event(), getattr(client, verb)

    async def held(**asked: object) -> object:
        if not reached.is_set():
            reached.set()
            await go_on.wait()
        return await really(**asked)

    with monkeypatch.context() as patch:
        patch.setattr(client, verb, held)
        yield reached, go_on


async def in_parts(storage: Storage) -> tuple[Scribe, Record]:
    """A master who has committed an upload in parts, and has not placed it."""
    scribe = await Scribe.master(storage)
    await storage.uploads.make(session := begun())
    session = await sent(storage, session, OLD)
    file = document(content=OLD, file_id=session.file_id)
    record = scribe.record(Kind.CREATE_STAGED, file, staging=session.upload_id)
    await storage.journal.append([record])
    return scribe, record


@pytest.mark.parametrize("verb", ["create_multipart_upload", "upload_part_copy", "complete_multipart_upload"])
async def test_what_is_assembled_late_is_never_seen(
    side: BucketSide, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """The new master has placed it by then, and somebody has removed it and used its id again."""
    async with side.opened() as first, side.opened() as second:
        _, record = await in_parts(first)
        with held_before(side.client, verb, monkeypatch) as (reached, go_on):
            placing = asyncio.ensure_future(first.files.place([record]))
            await reached.wait()
            scribe = await Scribe.master(second)
            fresh = document(content=NEW, file_id=record.file_id)
            await scribe.remove(document(content=OLD, file_id=record.file_id))
            await scribe.create(NEW, fresh)
            go_on.set()
            with suppress(Fenced):  # or it finds what the new master has placed, and leaves it alone
                await placing
        assert await everything(second) == shown([(fresh, NEW)])
        assert [each async for each in Multipart(Bucket(side.client, side.settings)).list("files/")] == []
