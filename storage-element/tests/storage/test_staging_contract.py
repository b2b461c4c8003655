"""What is promised of uploads on their way in, on every side."""

import hashlib
import os

from running_element import ELEMENT_ID, MIB
from scribe import Scribe, everything, shown
from sides import Side

from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.domain.incoming import Staging
from storage_element.domain.records import NO_STAGING, Kind
from storage_element.domain.storage import Storage

LARGE = os.urandom(6 * MIB + 3)
INLINE_BYTES = 1000


async def fill(staging: Staging, content: bytes) -> tuple[bytes, str]:
    """As the receiver does: chunks while it is small, then straight into the room that it names."""
    rest = memoryview(content)
    while rest and staging.is_small:
        await staging.write(bytes(rest[:600]))
        rest = rest[600:]
    while rest:
        room = staging.room()
        length = min(len(rest), len(room))
        room[:length] = rest[:length]
        await staging.filled(length)
        rest = rest[length:]
    return await staging.finish()


async def left_in_staging(side: Side) -> int:
    """What the next process finds that nobody names."""
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
        await storage.superblocks.take_over()
        left = await storage.files.clear_staging()
        assert await storage.files.clear_staging() == 0
        return left


async def test_small_content_stays_in_memory(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        for content in (b"", b"x" * INLINE_BYTES):
            staging = storage.files.stage(document().file_id, 1, INLINE_BYTES)
            assert await fill(staging, content) == (content, hashlib.sha256(content).hexdigest())
            assert (staging.size, staging.name, staging.is_small) == (len(content), NO_STAGING, True)
            assert staging.is_in_memory
    assert await left_in_staging(side) == 0


async def test_large_content_is_there_when_its_record_is(side: Side) -> None:
    """Once put in place, once left to the replay."""
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        files = [document(content=LARGE), document(content=LARGE[:5000])]
        for file, content in zip(files, (LARGE, LARGE[:5000]), strict=True):
            staging = storage.files.stage(file.file_id, 1, INLINE_BYTES)
            assert await fill(staging, content) == (b"", hashlib.sha256(content).hexdigest())
            assert (staging.size, staging.is_small, staging.is_in_memory) == (len(content), False, False)
            staging.hand_over()
            record = scribe.record(Kind.CREATE_STAGED, file, staging=staging.name)
            await storage.journal.append([record])
            if file is files[0]:
                await storage.files.place([record])
            await staging.discard()
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == shown([(files[0], LARGE), (files[1], LARGE[:5000])])


async def begun(storage: Storage) -> Staging:
    staging = storage.files.stage(document().file_id, 1, INLINE_BYTES)
    await fill(staging, LARGE[:20_000])
    return staging


async def test_what_is_discarded_leaves_nothing_behind(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        await (await begun(storage)).discard()
        taken_back = await begun(storage)
        taken_back.hand_over()
        taken_back.take_back()
        await taken_back.discard()
        unfinished = storage.files.stage(document().file_id, 1, INLINE_BYTES)
        await unfinished.write(LARGE)
        await unfinished.discard()
    assert await left_in_staging(side) == 0


async def test_what_is_handed_over_is_only_removed_by_recovery(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        staging = await begun(storage)
        staging.hand_over()
        await staging.discard()
    assert await left_in_staging(side) == 1


async def test_what_no_record_names_is_removed_by_recovery(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        await begun(storage)
        (await begun(storage)).hand_over()
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await everything(storage) == {}
    assert await left_in_staging(side) == 0
