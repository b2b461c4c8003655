"""What networks and busy stores do to single requests, and what the element makes of it."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from faulty_store import (
    Act,
    FaultyStore,
    cut,
    cut_in_the_middle,
    faulty_store,
    lost,
    named_and_not_kept,
    not_kept,
    refused,
    slow,
)
from running_element import ELEMENT_ID, MIB
from s3_servers import BUCKET, settings_of
from scribe import Scribe, everything, next_revision, read_content, read_journal, shown
from sides import BucketSide

from artstore_kit.contracts.errors import StorageUnavailable
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.adapters.s3 import attempts
from storage_element.adapters.s3.attempts import Absent, Taken
from storage_element.adapters.s3.bucket import Bucket, NotKept
from storage_element.adapters.s3.client import open_client
from storage_element.config import S3Settings
from storage_element.domain.records import Kind

LARGE = os.urandom(6 * MIB)
SLOW_DOWN, INTERNAL_ERROR = refused(503, "SlowDown"), refused(500, "InternalError")
TOO_MANY = refused(429, "TooManyRequests")
PASSING = {"503": SLOW_DOWN, "500": INTERNAL_ERROR, "429": TOO_MANY, "cut": cut, "lost": lost}


@pytest.fixture(scope="module")
async def store(moto_url: str) -> AsyncIterator[FaultyStore]:
    async with faulty_store(moto_url) as store:
        yield store


@pytest.fixture(autouse=True)
def _healthy(store: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again at once: a store in memory needs no time to recover."""
    monkeypatch.setattr(attempts, "FIRST_PAUSE_S", 0.01)
    store.heal()


@pytest.fixture
def settings(store: FaultyStore) -> S3Settings:
    limits = {"give_up_s": 3.0, "attempts_count": 4, "connect_timeout_s": 1.0, "read_timeout_s": 1.0}
    return settings_of(store.url, uuid4().hex, **limits)


@pytest.fixture(scope="module")
async def client(store: FaultyStore) -> AsyncIterator[Any]:
    async with open_client(settings_of(store.url, "", connect_timeout_s=1.0, read_timeout_s=1.0)) as client:
        yield client


@pytest.fixture
def side(client: Any, settings: S3Settings) -> BucketSide:
    return BucketSide(client, settings)


@pytest.fixture
def bucket(client: Any, settings: S3Settings) -> Bucket:
    return Bucket(client, settings)


@pytest.mark.parametrize("act", PASSING.values(), ids=list(PASSING))
async def test_what_passes_is_waited_for(side: BucketSide, store: FaultyStore, act: Act) -> None:
    """Twice in a row, at each request of a life."""
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        for method in ("PUT", "GET", "HEAD", "POST", "DELETE"):
            store.will(act, method, times=2)
        small, large = await scribe.create(b"small"), await scribe.create_staged(LARGE)
        small = await scribe.change(small, tags=["a"])
        await scribe.remove(await scribe.create(b"gone"))
        assert await everything(storage) == shown([(small, b"small"), (large, LARGE)])
        await scribe.checkpoint()
        assert store.met == 10
        store.met = 0


async def test_an_answer_that_breaks_off_is_asked_for_again(side: BucketSide, store: FaultyStore) -> None:
    async with side.opened() as storage:
        file = await (await Scribe.master(storage)).create_staged(LARGE)
        store.will(cut_in_the_middle, "GET", times=2)
        assert await read_content(storage, file) == LARGE


async def test_an_answer_that_comes_too_late_is_not_waited_for(bucket: Bucket, store: FaultyStore) -> None:
    store.will(slow(1.5), "PUT", times=1)
    etag = await bucket.put("key", b"value")
    await asyncio.sleep(1.0)
    found = await bucket.get("key")
    assert (found.body, found.etag) == (b"value", etag)


@pytest.mark.parametrize("replacing", [False, True])
async def test_a_put_whose_answer_was_lost_is_found_again(bucket: Bucket, store: FaultyStore, replacing: bool) -> None:
    """The second attempt meets the first one, and is answered 412."""
    before = await bucket.put("key", b"before") if replacing else ""
    store.will(lost, "PUT", times=1)
    etag = await bucket.put("key", b"mine", before)
    assert (await bucket.get("key")).etag == etag
    store.will(lost, "PUT", times=1)
    with pytest.raises(Taken):
        await bucket.put("key", b"another's", before)
    assert (await bucket.get("key")).body == b"mine"


@pytest.mark.parametrize("act", [SLOW_DOWN, cut, slow(5.0)], ids=["busy", "away", "silent"])
async def test_nothing_is_waited_for_without_end(bucket: Bucket, store: FaultyStore, act: Act) -> None:
    store.will(act)
    asked = (bucket.put("key", b"value"), bucket.get("key"), bucket.head("key"), bucket.remove_many(["key"]))
    async with asyncio.timeout(10):
        refusals = await asyncio.gather(*asked, return_exceptions=True)
    for refusal in refusals:
        assert isinstance(refusal, StorageUnavailable)
        assert refusal.headers == {"Retry-After": "5"}


async def test_what_does_not_pass_is_not_asked_again(bucket: Bucket, store: FaultyStore) -> None:
    met = store.met
    store.will(refused(403, "AccessDenied"), "PUT")
    with pytest.raises(StorageUnavailable) as refusal:
        await bucket.put("key", b"value")
    assert store.met == met + 1
    assert refusal.value.__notes__ == ["403 AccessDenied"]
    with pytest.raises(Absent):
        await bucket.get("key")


@pytest.mark.parametrize("act", [not_kept, named_and_not_kept])
async def test_a_commit_that_was_not_kept_is_no_commit(side: BucketSide, store: FaultyStore, act: Act) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        store.will(act, "PUT", "journal/", times=1)
        with pytest.raises(NotKept, match="journal/"):
            await scribe.create()
        assert storage.journal.durable_lsn == 0


@pytest.mark.parametrize("what", [".attr.json", ".v1"])
async def test_a_document_that_was_not_kept_is_no_document(side: BucketSide, store: FaultyStore, what: str) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        store.will(not_kept, "PUT", what, times=1)
        with pytest.raises(NotKept, match=what):
            await scribe.create()


@pytest.mark.parametrize("what", [".attr.json", ".v1"])
async def test_a_document_that_was_lost_later_is_seen_at_the_checkpoint(side: BucketSide, what: str) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        await scribe.create(b"kept")
        file = await scribe.create(b"lost")
        lost_key = next(
            each["Key"]
            for each in (await side.client.list_objects_v2(Bucket=BUCKET, Prefix=side.settings.prefix))["Contents"]
            if str(file.file_id) + what in each["Key"]
        )
        await side.client.delete_object(Bucket=BUCKET, Key=lost_key)
        with pytest.raises(NotKept, match=str(file.file_id)):
            await scribe.checkpoint()
        with pytest.raises(NotKept):
            await scribe.checkpoint()
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert (await everything(storage))[file.file_id] == (file, b"lost")


async def test_an_append_in_doubt_is_settled_by_the_next(side: BucketSide, store: FaultyStore) -> None:
    """It was kept, and nobody knows: the next batch takes its LSN and its place."""
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        store.will(lost, "PUT", "journal/", times=1)
        store.will(cut)
        with pytest.raises(StorageUnavailable):
            await scribe.create(b"in doubt")
        store.heal()
        assert storage.journal.next_lsn == 1
        file = await scribe.create(b"later")
        assert scribe.written[-1].lsn == 1
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == shown([(file, b"later")])


async def test_an_append_in_doubt_is_redone_by_recovery(side: BucketSide, store: FaultyStore) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create(b"acknowledged")
        doubtful = document(content=b"in doubt")
        store.will(cut, "GET", "element.json")
        with pytest.raises(StorageUnavailable):
            await scribe.create(b"in doubt", doubtful)
        store.heal()
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == shown([(file, b"acknowledged"), (doubtful, b"in doubt")])


async def test_a_checkpoint_note_in_doubt_is_settled_by_the_next(side: BucketSide, store: FaultyStore) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create()
        store.will(lost, "PUT", "element.json", times=1)
        store.will(cut)
        with pytest.raises(StorageUnavailable):
            await storage.superblocks.note_checkpoint(1)
        store.heal()
        file = await scribe.change(file, tags=["a"])
        await scribe.checkpoint()
        assert storage.superblocks.current.checkpoint_lsn == 2
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == shown([(file, b"content")])


async def test_placing_that_was_interrupted_is_done_again(side: BucketSide, store: FaultyStore) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create(b"content")
        fresh = next_revision(file, tags=["b"])
        record = scribe.record(Kind.CHANGE, fresh)
        await storage.journal.append([record])
        store.will(lost, "PUT", ".attr.json", times=1)
        store.will(cut)
        with pytest.raises(StorageUnavailable):
            await storage.files.place([record])
        store.heal()
        await storage.files.place([record])
        assert await everything(storage) == shown([(fresh, b"content")])
        assert [each.lsn for each in await read_journal(storage)] == [1, 2]


async def test_staged_content_is_left_to_recovery_when_the_store_is_away(side: BucketSide, store: FaultyStore) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        staging = storage.files.stage(document().file_id, 1, 0)
        await staging.write(LARGE)
        store.will(cut)
        with pytest.raises(StorageUnavailable):
            await staging.finish()
        await staging.discard()
        store.heal()
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
        await storage.superblocks.take_over()
        assert await storage.files.clear_staging() == 1
