"""The journal's promises, on every side."""

from running_element import ELEMENT_ID
from scribe import Scribe, read_journal
from sides import Side

from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.domain.records import Kind, Record
from storage_element.domain.storage import Storage


async def reread(side: Side) -> list[Record]:
    """What the next process reads."""
    async with side.opened() as storage:
        await storage.superblocks.open(ELEMENT_ID, Mode.EDIT)
        await storage.superblocks.take_over()
        found = await read_journal(storage)
        assert await read_journal(storage) == found
        return found


async def appended(storage: Storage, *contents: bytes) -> list[Record]:
    """One batch."""
    scribe = Scribe(storage)
    records = [
        scribe.record(Kind.CREATE_INLINE, document(content=content), content, ahead=ahead)
        for ahead, content in enumerate(contents)
    ]
    await storage.journal.append(records)
    return records


async def test_what_was_appended_is_read_back(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        records = await appended(storage, b"one", b"", b"three" * 10_000)
        records += await appended(storage, b"four")
        assert (storage.journal.next_lsn, storage.journal.durable_lsn) == (5, 4)
        assert storage.journal.written_bytes >= 50_000
    assert await reread(side) == records
    assert [record.lsn for record in records] == [1, 2, 3, 4]


async def test_a_record_is_kept_whole(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = document("Договор 17.pdf", content=b"\0" * 100)
        records = [
            scribe.record(Kind.CREATE_STAGED, file, staging=file.file_id),
            scribe.record(Kind.CHANGE, file.model_copy(update={"revision": 2}), ahead=1),
            scribe.record(Kind.REPLACE_INLINE, file.model_copy(update={"revision": 3}), b"\0ASJ1\0", ahead=2),
            scribe.record(Kind.REMOVE, file.model_copy(), ahead=3),
        ]
        await storage.journal.append(records)
    assert await reread(side) == records


async def test_many_batches_keep_their_order(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        for number in range(12):
            await appended(storage, bytes([number]) * 200_000)
    assert [(record.lsn, record.content[0]) for record in await reread(side)] == [(at + 1, at) for at in range(12)]


async def test_closed_segments_are_dropped_after_a_checkpoint(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        await appended(storage, b"old")
        first = await storage.journal.rotate()
        assert storage.journal.written_bytes == 0
        await appended(storage, b"older")
        closed = await storage.journal.rotate()
        assert (first.last_lsn, closed.last_lsn) == (1, 2)
        assert set(first.segments) < set(closed.segments), "what was not dropped is named again"
        later = await appended(storage, b"new")
        await storage.superblocks.note_checkpoint(2)
        await storage.journal.drop(closed.segments)
    assert await reread(side) == later


async def test_a_rotated_journal_is_still_read(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        records = await appended(storage, b"one")
        await storage.journal.rotate()
        records += await appended(storage, b"two")
    assert await reread(side) == records


async def test_an_lsn_is_never_given_again(side: Side) -> None:
    for begin in (1, 3, 5):
        async with side.opened() as storage:
            scribe = await Scribe.master(storage)
            assert storage.journal.next_lsn == begin
            await appended(storage, b"one")
            await appended(storage, b"two")
            await storage.files.place([])
            if begin == 3:
                await scribe.checkpoint()
