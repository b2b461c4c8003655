"""What is promised of uploads that are sent in parts, on every side."""

import hashlib
import os

import pytest
from running_element import MIB
from scribe import Scribe, everything, shown
from sides import Side
from upload_in_parts import begun, sent

from artstore_kit.testing.documents import document
from storage_element.domain.records import Kind
from storage_element.domain.storage import Fenced
from storage_element.domain.uploads import UploadSession

CONTENT = os.urandom(11 * MIB + 3)


async def committed(scribe: Scribe, session: UploadSession, content: bytes) -> None:
    file = document(content=content, file_id=session.file_id)
    await scribe.commit(Kind.CREATE_STAGED, file, staging=session.upload_id)
    assert await everything(scribe.storage) == shown([(file, content)])
    await scribe.storage.uploads.remove(session.upload_id)
    assert await everything(scribe.storage) == shown([(file, content)])


@pytest.mark.parametrize("sizes", [[], [10], [10, 20, 30], [6 * MIB, 5, 5 * MIB], [len(CONTENT)]], ids=str)
async def test_parts_become_a_file(side: Side, sizes: list[int]) -> None:
    """Each part is sent to a process that knows nothing of the ones before."""
    offset, session = 0, begun()
    async with side.opened() as storage:
        await Scribe.master(storage)
        await storage.uploads.make(session)
    for size in sizes:
        async with side.opened() as storage:
            await Scribe.master(storage)
            assert await storage.uploads.all() == [session]
            assert (await storage.uploads.sha256(session)).hexdigest() == hashlib.sha256(CONTENT[:offset]).hexdigest()
            session = await sent(storage, session, CONTENT[offset : offset + size])
            offset += size
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        assert await storage.uploads.all() == [session]
        await committed(scribe, session, CONTENT[:offset])
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await storage.uploads.all() == []


async def test_what_the_session_does_not_cover_does_not_count(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        await storage.uploads.make(session := begun())
        session = await sent(storage, session, CONTENT[:2000])
        await sent(storage, session, b"x" * 6 * MIB, saved=False)
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        await sent(storage, session, b"y" * 3000, saved=False)
        session = await sent(storage, session, CONTENT[2000:8000])
        await committed(scribe, session, CONTENT[:8000])


async def test_a_commit_that_was_not_placed_is_redone(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        await storage.uploads.make(session := begun())
        session = await sent(storage, session, CONTENT)
        file = document(content=CONTENT, file_id=session.file_id)
        await storage.journal.append([scribe.record(Kind.CREATE_STAGED, file, staging=session.upload_id)])
    for _ in range(2):
        async with side.opened() as storage:
            await Scribe.master(storage)
            assert await storage.uploads.all() == []
            assert await everything(storage) == shown([(file, CONTENT)])


async def test_a_stale_master_takes_no_parts_and_gives_nothing_up(side: Side) -> None:
    async with side.opened() as first, side.opened() as second:
        await Scribe.master(first)
        await first.uploads.make(session := begun())
        session = await sent(first, session, CONTENT[:1000])
        scribe = await Scribe.master(second)
        assert await second.uploads.all() == [session]
        newer = await sent(second, session, CONTENT[1000:3000])
        with pytest.raises(Fenced):
            await sent(first, session, b"x" * 5000)
        with pytest.raises(Fenced):
            await first.uploads.remove(session.upload_id)
        await committed(scribe, newer, CONTENT[:3000])


async def test_what_was_given_up_leaves_nothing_behind(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        for size in (0, 10, 6 * MIB):
            await storage.uploads.make(session := begun())
            session = await sent(storage, session, CONTENT[:size])
            await storage.uploads.remove(session.upload_id)
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await storage.uploads.all() == []
        assert await storage.files.clear_staging() == 0
        assert await everything(storage) == {}
