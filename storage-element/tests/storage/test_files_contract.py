"""What is promised of documents, on every side."""

import os
from uuid import uuid4

import pytest
from running_element import MIB
from scribe import Scribe, everything, read_content, shown
from sides import Side

from artstore_kit.contracts.errors import ContentCorrupt, FileUnknown
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.testing.documents import document
from storage_element.domain import layout
from storage_element.domain.records import Kind
from storage_element.domain.storage import ContentMissing


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(70_000)], ids=["empty", "one byte", "70 KB"])
async def test_a_placed_file_is_read_back(side: Side, content: bytes) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create(content)
        assert await storage.files.read_attributes(file.file_id) == scribe.written[0].attributes
        assert await everything(storage) == shown([(file, content)])


async def test_a_life_of_a_document(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.change(await scribe.create(b"one"), tags=["new"])
        file = await scribe.replace(file, b"two")
        file = await scribe.replace(file, b"three", staged=True)
        assert await everything(storage) == shown([(file, b"three")])
        old = file.model_copy(update={"content": file.content.model_copy(update={"version": 2})})
        assert await read_content(storage, old) == b"two", "until it is removed"
        await storage.files.remove_content(file.file_id, 2)
        await storage.files.remove_content(file.file_id, 2)
        await scribe.remove(file)
        assert await everything(storage) == {}
        for version in (1, 2, 3):
            with pytest.raises(ContentMissing):
                await storage.files.open_content(file.file_id, version)
        again = await scribe.create(b"another life", document(content=b"another life", file_id=file.file_id))
        assert await everything(storage) == shown([(again, b"another life")])


async def test_placing_twice_changes_nothing(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        small, large = await scribe.create(b"small"), await scribe.create_staged(b"large" * 20_000)
        small = await scribe.change(small, tags=["a"])
        large = await scribe.change(await scribe.replace(large, b"small now"), tags=["b"])
        before = await everything(storage)
        lasting = [record for record in scribe.written if record.file_id != large.file_id]
        await storage.files.place(lasting)
        await storage.files.place([record for record in scribe.written if record.lsn >= 4])
        assert await everything(storage) == before == shown([(small, b"small"), (large, b"small now")])


async def test_several_records_of_a_file_are_placed_in_their_order(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        files = [document(content=bytes([number])) for number in range(20)]
        records = [
            scribe.record(Kind.CREATE_INLINE, file, bytes([number]), ahead=number) for number, file in enumerate(files)
        ]
        for revision in (2, 3):
            for file in files:
                file.revision = revision
                records.append(scribe.record(Kind.CHANGE, file, ahead=len(records)))
        await storage.journal.append(records)
        await storage.files.place(records)
        assert await everything(storage) == shown([(file, bytes([number])) for number, file in enumerate(files)])


async def test_content_that_is_nowhere_keeps_no_other_file_out(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        lost, kept = document(content=b"lost"), document(content=b"kept")
        records = [
            scribe.record(Kind.CREATE_STAGED, lost, staging=uuid4()),
            scribe.record(Kind.CREATE_INLINE, kept, b"kept", ahead=1),
        ]
        await storage.journal.append(records)
        with pytest.raises(ContentMissing):
            await storage.files.place(records)
        assert await everything(storage) == shown([(kept, b"kept")])


async def test_what_there_is(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        files = [await scribe.create(b"%d" % number, document(number=number * 90)) for number in range(5)]
        await scribe.remove(files.pop())
        asked = [file.file_id for file in files] + [document().file_id]
        assert await storage.files.taken(asked) == {file.file_id for file in files}
        listed = [each async for batch in storage.files.all_attributes() for each in batch]
        assert [FileAttributes.model_validate_json(data).file_id for _, data in listed] == [f.file_id for f in files]
        assert all(path.endswith(layout.attributes_path(f.file_id)) for (path, _), f in zip(listed, files, strict=True))
        with pytest.raises(FileUnknown):
            await storage.files.read_attributes(asked[-1])
        with pytest.raises(ContentMissing):
            await storage.files.open_content(asked[0], 2)


CONTENT = os.urandom(5 * MIB + 5)
RANGES = [(0, 0), (0, 1), (0, len(CONTENT)), (len(CONTENT) - 1, 1), (262_143, 2), (200_000, 5_000_000)]


async def test_ranges_of_content(side: Side) -> None:
    async with side.opened() as storage:
        file = await (await Scribe.master(storage)).create_staged(CONTENT)
        for start, length in RANGES:
            assert await read_content(storage, file, start, length) == CONTENT[start : start + length]
        for start, length in [(0, len(CONTENT) + 1), (len(CONTENT), 1)]:
            with pytest.raises(ContentCorrupt):
                await read_content(storage, file, start, length)


async def test_a_reader_never_gets_what_was_put_in_its_place(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create_staged(CONTENT)
        content = await storage.files.open_content(file.file_id, 1)
        await scribe.remove(file)
        await scribe.create(b"\0" * len(CONTENT), document(content=b"\0" * len(CONTENT), file_id=file.file_id))
        got = b""
        try:
            async for chunk in content.chunks(0, len(CONTENT)):
                got += bytes(chunk)
        except ContentMissing:
            assert len(got) < len(CONTENT)
        content.close()
        assert got == CONTENT[: len(got)]


async def test_room(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        before = storage.files.room()
        assert 0 < before.free_bytes <= before.total_bytes
        file = await scribe.create_staged(CONTENT)
        taken_bytes = before.free_bytes - storage.files.room().free_bytes
        assert taken_bytes >= len(CONTENT) // 2, "others may be using the disk too"
        await scribe.remove(file)
        assert storage.files.room().free_bytes > before.free_bytes - len(CONTENT) // 2
