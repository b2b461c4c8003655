"""What is particular to an element in a bucket: its journal's objects, its part of the bucket, its room."""

import json
from typing import Any
from uuid import uuid4

import pytest
from running_element import ELEMENT_ID, MIB
from s3_servers import settings_of
from scribe import Scribe, everything, read_content, read_journal, shown
from sides import BucketSide

from artstore_kit.contracts.errors import FileTooLarge
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.adapters.s3 import bucket as bucket_module
from storage_element.adapters.s3 import moving, multipart, staging
from storage_element.adapters.s3.bucket import Bucket
from storage_element.adapters.s3.moving import move
from storage_element.adapters.s3.superblocks import S3Superblocks
from storage_element.config import S3Settings
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.domain.storage import Fenced, JournalDamaged, WrongElement

LARGE = b"large" * 3 * MIB


@pytest.fixture
def settings(moto_url: str) -> S3Settings:
    return settings_of(moto_url, f"elements/{uuid4().hex}")


@pytest.fixture
def side(moto_client: Any, settings: S3Settings) -> BucketSide:
    return BucketSide(moto_client, settings)


@pytest.fixture
def bucket(side: BucketSide) -> Bucket:
    return Bucket(side.client, side.settings)


async def keys(bucket: Bucket, prefix: str = "") -> list[str]:
    return [each.key async for page in bucket.list(prefix) for each in page]


async def test_each_commit_is_an_object_until_the_checkpoint(side: BucketSide, bucket: Bucket) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        for _ in range(2):
            await scribe.create()
        assert await keys(bucket, "journal/") == [f"journal/{lsn:020d}.wal" for lsn in (1, 2)]
        segment = (await bucket.get("journal/00000000000000000002.wal")).body
        header = json.loads(segment[:512])
        assert (header["first_lsn"], header["epoch"], header["element"]) == (2, 1, ELEMENT_ID)
        await scribe.checkpoint()
        assert await keys(bucket, "journal/") == []


@pytest.mark.parametrize("at", [20, 600, 700])
async def test_a_damaged_object_of_the_journal_stops_the_start(side: BucketSide, bucket: Bucket, at: int) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        for _ in range(3):
            await scribe.create()
        before = await everything(storage)
    key = "journal/00000000000000000003.wal"
    there = await bucket.get(key)
    damaged = bytearray(there.body)
    damaged[at] ^= 1
    etag = await bucket.put(key, bytes(damaged), there.etag)
    for _ in range(2):
        async with side.opened() as storage:
            with pytest.raises(JournalDamaged):
                await Scribe.master(storage)
            assert await everything(storage) == before
            assert storage.superblocks.current.epoch == 2, "of the first try"
        assert len(await keys(bucket, "journal/")) == 3
    await bucket.put(key, there.body, etag)
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == before
        assert await keys(bucket, "journal/") == []


@pytest.mark.parametrize("missing", [1, 2])
async def test_a_gap_in_the_journal_stops_the_start(side: BucketSide, bucket: Bucket, missing: int) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        for _ in range(3):
            await scribe.create()
    await bucket.remove_many([f"journal/{missing:020d}.wal"])
    async with side.opened() as storage:
        with pytest.raises(JournalDamaged, match=f"begins at LSN {missing + 1}"):
            await Scribe.master(storage)


async def test_what_a_stale_master_left_does_not_count_and_is_overwritten(side: BucketSide, bucket: Bucket) -> None:
    async with side.opened() as first, side.opened() as second:
        stale = await Scribe.master(first)
        await Scribe.master(second)
        with pytest.raises(Fenced):
            await stale.create(b"stale")
    assert await keys(bucket, "journal/") == ["journal/00000000000000000001.wal"]
    async with side.opened() as third:
        scribe = await Scribe.master(third)
        assert await read_journal(third) == []
        file = await scribe.create(b"third")
        assert scribe.written[0].lsn == 1
    async with side.opened() as fourth:
        await Scribe.master(fourth)
        assert await everything(fourth) == shown([(file, b"third")])


async def test_objects_that_a_checkpoint_could_not_drop_go_with_the_next_recovery(
    side: BucketSide, bucket: Bucket
) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create(b"old")
        await storage.files.sync()
        await storage.superblocks.note_checkpoint(1)
        file = await scribe.change(file, tags=["new"])
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
        await storage.superblocks.take_over()
        assert [record.lsn for record in await read_journal(storage)] == [2]
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == shown([(file, b"old")])
    assert await keys(bucket, "journal/") == []


async def test_elements_share_a_bucket_and_touch_nothing_of_each_others(
    moto_client: Any, settings: S3Settings, side: BucketSide
) -> None:
    """The prefix of one begins as that of the other does, and that one has an upload under way."""
    neighbour = BucketSide(moto_client, settings.model_copy(update={"prefix": f"{settings.prefix}-2/"}))
    async with neighbour.opened() as there, side.opened() as here:
        other, scribe = await Scribe.master(there), await Scribe.master(here)
        file = document(content=LARGE)
        staged = await other.staged(LARGE, file)
        mine = await scribe.create(b"mine")
        assert await here.files.clear_staging() == 0
        await other.commit(Kind.CREATE_STAGED, file, staging=staged)
        assert await everything(there) == shown([(file, LARGE)])
        assert await everything(here) == shown([(mine, b"mine")])
        assert here.files.room().free_bytes > there.files.room().free_bytes


async def test_cut_multipart_uploads_go_with_the_next_recovery(side: BucketSide, bucket: Bucket) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        unfinished = storage.files.stage(document().file_id, 1, 0)
        await unfinished.write(LARGE)
    uploads = multipart.Multipart(bucket)
    assert len([each async for each in uploads.list("files/")]) == 1
    async with side.opened() as storage:
        await Scribe.master(storage)
    assert [each async for each in uploads.list("files/")] == []
    assert await keys(bucket, "staging/") == []


async def test_room_is_counted_at_start(side: BucketSide) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create_staged(LARGE)
        await scribe.create(b"small")
        await scribe.remove(await scribe.create(b"x" * 10_000))
        file = await scribe.replace(await scribe.change(file, tags=["a"]), b"now small")
        await storage.files.remove_content(file.file_id, 1)
        kept_up = storage.files.room()
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert storage.files.room() == kept_up
        assert kept_up.total_bytes - kept_up.free_bytes < 3000


async def test_lists_of_any_length(side: BucketSide, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "MOST_AT_ONCE", 3)
    really = side.client.list_objects_v2
    monkeypatch.setattr(side.client, "list_objects_v2", lambda **asked: really(**{"MaxKeys": 3, **asked}))
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        files = [await scribe.create(b"%d" % number) for number in range(5)]
        assert await everything(storage) == shown([(file, b"%d" % number) for number, file in enumerate(files)])
        assert len([entry async for each in storage.upkeep.walk() for entry in each.entries]) == 10
        await scribe.checkpoint()
    assert await keys(bucket, "journal/") == []


async def test_a_file_of_too_many_parts_is_refused(side: BucketSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MOST_PARTS", 2)
    async with side.opened() as storage:
        await Scribe.master(storage)
        upload = storage.files.stage(document().file_id, 1, 0)
        with pytest.raises(FileTooLarge, match="2 parts of 5242880 bytes"):
            await upload.write(LARGE)
        await upload.discard()


async def test_an_object_of_any_size_is_moved(
    side: BucketSide, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST_AT_ONCE_BYTES", 6 * MIB)
    async with side.opened() as storage:
        file = await (await Scribe.master(storage)).create_staged(LARGE)
        await move(bucket, layout.content_path(file.file_id, 1), layout.content_path(file.file_id, 2))
        assert await bucket.head(layout.content_path(file.file_id, 1)) is None
        moved = file.model_copy(update={"content": file.content.model_copy(update={"version": 2})})
        assert await read_content(storage, moved) == LARGE


async def test_files_without_an_element_are_left_alone(bucket: Bucket) -> None:
    await bucket.put("files/2026/01/01/00/00/x.attr.json", b"{}")
    with pytest.raises(WrongElement, match=r"holds files/ but no element\.json"):
        await S3Superblocks(bucket).open(ELEMENT_ID, Mode.EDIT)
    assert await keys(bucket) == ["files/2026/01/01/00/00/x.attr.json"]


async def test_fields_that_are_not_known_survive(side: BucketSide, bucket: Bucket) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
    there = await bucket.get(layout.SUPERBLOCK)
    await bucket.put(layout.SUPERBLOCK, json.dumps({**json.loads(there.body), "later": 7}).encode(), there.etag)
    async with side.opened() as storage:
        await Scribe.master(storage)
    block = json.loads((await bucket.get(layout.SUPERBLOCK)).body)
    assert (block["later"], block["epoch"], len(block["master"])) == (7, 2, 32)


async def test_an_element_json_that_cannot_be_read_stops_the_start(bucket: Bucket) -> None:
    await bucket.put(layout.SUPERBLOCK, b"{}")
    with pytest.raises(WrongElement, match="element_id"):
        await S3Superblocks(bucket).open(ELEMENT_ID, Mode.EDIT)
