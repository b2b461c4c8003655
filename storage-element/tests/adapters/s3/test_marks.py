"""The master's mark in a bucket: seen by all, left by the master alone, and no judge of anything."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from faulty_store import FaultyStore, cut, faulty_store
from running_element import ELEMENT_ID
from s3_servers import settings_of

from artstore_kit.contracts.modes import Mode
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.client import open_client
from storage_element.adapters.s3.marks import S3Marks
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.domain import layout
from storage_element.domain.mastership import Mark
from storage_element.domain.storage import Fenced


@pytest.fixture
async def store(moto_url: str) -> AsyncIterator[FaultyStore]:
    async with faulty_store(moto_url) as store:
        yield store


@pytest.fixture
async def bucket(store: FaultyStore) -> AsyncIterator[Bucket]:
    settings = settings_of(store.url, uuid4().hex, attempts_count=2)
    async with open_client(settings) as client:
        yield Bucket(client, settings)


async def node(bucket: Bucket) -> tuple[S3Superblocks, S3Marks]:
    superblocks = S3Superblocks(bucket)
    await superblocks.open(ELEMENT_ID, Mode.EDIT)
    return superblocks, S3Marks(bucket, superblocks)


def mark(node_id: str, epoch: int, beat: int = 0) -> Mark:
    return Mark(node_id=node_id, url=f"http://{node_id}", epoch=epoch, beat=beat, is_ready=True)


async def test_the_master_is_seen_until_another_is(bucket: Bucket) -> None:
    (first, first_marks), (second, second_marks), (_, follower) = [await node(bucket) for _ in range(3)]
    assert (await follower.look()).mark is None
    assert first_marks.epoch == 0
    await first.take_over()
    await first_marks.write(mark("a", first_marks.epoch))
    await first_marks.write(mark("a", first_marks.epoch, beat=2))
    seen = await follower.look()
    assert seen.master == mark("a", 1, beat=2)
    await second.refresh()
    await second.take_over()
    assert (await follower.look()).master is None, "it has left no mark yet"
    with pytest.raises(Fenced):
        await first_marks.write(mark("a", 1, beat=3))
    await second_marks.write(mark("b", second_marks.epoch))
    assert (await follower.look()).master == mark("b", 2)


async def test_a_mark_that_cannot_be_read_is_none(bucket: Bucket) -> None:
    _, marks = await node(bucket)
    await bucket.put(layout.MARK, b"{")
    assert (await marks.look()).mark is None


async def test_what_passes_is_an_error_of_the_storage(bucket: Bucket, store: FaultyStore) -> None:
    superblocks, marks = await node(bucket)
    await superblocks.take_over()
    store.will(cut)
    for ask in (marks.look(), marks.write(mark("a", 1))):
        with pytest.raises(ConnectionError):
            await ask
    store.heal()
    await bucket.remove_many([layout.SUPERBLOCK])
    with pytest.raises(FileNotFoundError):
        await marks.look()
