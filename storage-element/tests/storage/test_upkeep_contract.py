"""What is promised of the element's own care, on every side."""

import hashlib
import os
from datetime import UTC, datetime

import pytest
from running_element import MIB
from scribe import Scribe, everything, shown
from sides import Side

from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.documents import document
from storage_element.domain import layout
from storage_element.domain.judgement import Kind
from storage_element.domain.storage import ContentMissing, Storage
from storage_element.domain.upkeep import Reason

CONTENT = os.urandom(5 * MIB)


async def unhurried(_: int) -> None:
    """As fast as it goes."""


def reason(path: str) -> Reason:
    return Reason(kind=Kind.CONTENT_CORRUPT, path=path, detail="has 6 bytes, and had 7", found_at=datetime.now(UTC))


async def reasons(storage: Storage) -> list[Reason]:
    found = [each async for batch in storage.upkeep.reasons() for each in batch]
    return sorted(map(Reason.model_validate_json, found), key=lambda each: each.moved_to or "")


async def test_a_walk_shows_every_file_in_its_directory(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        files = [await scribe.create(b"%03d" % number, document(number=number // 2)) for number in range(6)]
        walked = [each async for each in storage.upkeep.walk()]
        assert [each.path for each in walked] == sorted({layout.directory_of(file.file_id) for file in files})
        names = {entry.name: entry.size for each in walked for entry in each.entries}
        assert {name: size for name, size in names.items() if name.endswith(".v1")} == {
            f"{file.file_id}.v1": 3 for file in files
        }
        assert len(names) == 12
        for each in walked:
            assert [entry.name for entry in each.entries] == sorted(entry.name for entry in each.entries)
        rest = [each.path async for each in storage.upkeep.walk(walked[1].path)]
        assert rest == [each.path for each in walked[1:]]


async def test_content_is_read_again(side: Side) -> None:
    async with side.opened() as storage:
        file = await (await Scribe.master(storage)).create_staged(CONTENT)
        paced: list[int] = []

        async def pace(size_bytes: int) -> None:
            paced.append(size_bytes)

        reread = await storage.upkeep.reread(file.file_id, 1, pace)
        assert (reread.size, reread.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        assert sum(paced) == len(CONTENT)
        with pytest.raises(ContentMissing):
            await storage.upkeep.reread(file.file_id, 2, unhurried)


async def test_what_is_put_aside_is_kept_with_its_reason(side: Side) -> None:
    """Twice of one name; and once nothing is moved."""
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create(b"damaged")
        path = layout.content_path(file.file_id, 1)
        first = await storage.upkeep.put_aside(reason(path), path)
        with pytest.raises(ContentMissing):
            await storage.files.open_content(file.file_id, 1)
        await storage.files.place(scribe.written)
        second = await storage.upkeep.put_aside(reason(path), path)
        marked = await storage.upkeep.put_aside(reason(path), None)
        assert marked.moved_to is None
        assert None not in {first.moved_to, second.moved_to}
        assert first.moved_to != second.moved_to
        assert [each.moved_to for each in await reasons(storage)] == [None, first.moved_to, second.moved_to]
    async with side.opened() as storage:
        await storage.superblocks.open("edit-1", Mode.EDIT)
        assert len(await reasons(storage)) == 3


async def test_notes_are_kept(side: Side) -> None:
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert await storage.upkeep.note("scrub") is None
        await storage.upkeep.take_note("scrub", b"one")
        await storage.upkeep.take_note("scrub", b"two")
        await storage.upkeep.take_note("other", b"")
    async with side.opened() as storage:
        assert await storage.upkeep.note("scrub") == b"two"
        assert await storage.upkeep.note("other") == b""


async def test_a_mode_is_kept(side: Side) -> None:
    async with side.opened() as storage:
        scribe = await Scribe.master(storage)
        file = await scribe.create()
        await storage.superblocks.change_mode(Mode.RO)
        await scribe.checkpoint()
        assert storage.superblocks.current.mode is Mode.RO
    async with side.opened() as storage:
        await Scribe.master(storage)
        assert storage.superblocks.current.mode is Mode.RO
        assert await everything(storage) == shown([(file, b"content")])
