"""A clean stop while much is under way: it ends, everybody is told, and what was told is true after the restart."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from element_core import ASKER, TESTER, Syncs, inline, open_core, outcomes, until
from running_element import MIB, Element, ElementAt, arriving

from artstore_kit.contracts.errors import ArtStoreError, StorageUnavailable
from artstore_kit.contracts.files import AttributeChanges, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.exchange import Body
from storage_element.services import drafts
from storage_element.services.receive import NOTHING_ANNOUNCED
from storage_element.services.write import Replacement, Upload

NAMED = UploadAttributes(name="document.txt")
STOPS_WITHIN_S = 20


@dataclass
class Callers:
    """They go on until they are refused, and remember what they were told."""

    element: Element
    stored: dict[UUID, bytes] = field(default_factory=dict)
    doubtful: dict[UUID, bytes] = field(default_factory=dict)
    offsets: dict[UUID, int] = field(default_factory=dict)

    async def creating(self, size: int) -> None:
        while True:
            await self._to_be(new_file_id(), os.urandom(size), self._create)

    async def replacing(self) -> None:
        file_id = new_file_id()
        await self._to_be(file_id, b"first", self._create)
        while True:
            await self._to_be(file_id, os.urandom(100), self._replace)

    async def appending(self) -> None:
        uploads = self.element.services.uploads
        upload_id = (await uploads.create(Upload(new_file_id(), NAMED, "tester", TESTER), None)).upload_id
        self.offsets[upload_id] = 0
        while True:
            body = Body.of(bytes(1000))
            session = await uploads.append(upload_id, ASKER, self.offsets[upload_id], NOTHING_ANNOUNCED, body)
            self.offsets[upload_id] = session.offset

    async def _to_be(self, file_id: UUID, content: bytes, store: Callable[[UUID, Body], Awaitable[object]]) -> None:
        """Whoever is not answered with success does not know which content is there."""
        self.doubtful[file_id] = content
        await store(file_id, Body.of(content))
        self.stored[file_id] = self.doubtful.pop(file_id)

    async def _create(self, file_id: UUID, body: Body) -> None:
        await self.element.services.writer.create(Upload(file_id, NAMED, "tester", TESTER), body)

    async def _replace(self, file_id: UUID, body: Body) -> None:
        await self.element.services.writer.replace(Replacement(file_id, AttributeChanges(), ASKER), body)


async def test_all_who_are_under_way_are_told_and_what_they_are_told_is_true(element_at: ElementAt, root: Path) -> None:
    async with asyncio.timeout(STOPS_WITHIN_S):
        async with element_at(root) as element:
            callers = Callers(element)
            work = [callers.creating(10), callers.creating(10), callers.creating(MIB), callers.replacing()]
            tasks = [asyncio.create_task(each) for each in (*work, callers.replacing(), callers.appending())]
            await until(lambda: len(callers.stored) > 50 and all(callers.offsets.values()))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in answers} <= {StorageUnavailable}, answers
    async with element_at(root) as again:
        for file_id, content in callers.stored.items():
            found = (await again.content(file_id)).content
            assert found in {content, callers.doubtful.get(file_id, content)}
        for upload_id, offset in callers.offsets.items():
            assert again.services.uploads.find(upload_id, "tester").offset >= offset


async def test_who_comes_when_the_element_stops_is_refused_and_who_came_before_is_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    async with open_core(root) as core:
        syncs = Syncs(monkeypatch)
        syncs.before = lambda: goes_on.wait(5)
        before = [inline() for _ in range(3)]
        core.committer.submit(before[0])
        await until(lambda: syncs.count > 0)
        for draft in before[1:]:
            core.committer.submit(draft)
        closing = asyncio.create_task(core.committer.close())
        await asyncio.sleep(0.05)
        with pytest.raises(StorageUnavailable, match="is stopping"):
            core.committer.submit(inline())
        assert not closing.done()
        goes_on.set()
        await closing
        assert not [each for each in await outcomes(before) if isinstance(each, BaseException)]


async def test_who_cannot_be_told_in_time_hears_that_nobody_knows(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "CLOSED_WITHIN_S", 0.1)
    goes_on = threading.Event()
    async with open_core(root) as core:
        syncs = Syncs(monkeypatch)
        syncs.before = lambda: goes_on.wait(5)
        drafted = [inline(), inline()]
        core.committer.submit(drafted[0])
        await until(lambda: syncs.count > 0)
        core.committer.submit(drafted[1])
        await core.committer.close()
        assert [type(each) for each in await outcomes(drafted)] == [StorageUnavailable, StorageUnavailable]
        goes_on.set()
        await until(lambda: len(core.committed) == 2)


async def test_a_body_that_comes_slowly_does_not_keep_the_element_from_stopping(
    element_at: ElementAt, root: Path
) -> None:
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"begins"
        await more.wait()
        yield b"ends"

    async with asyncio.timeout(STOPS_WITHIN_S):
        async with element_at(root) as element:
            upload = Upload(new_file_id(), NAMED, "tester", TESTER)
            creating = asyncio.create_task(element.services.writer.create(upload, arriving(slow())))
            await asyncio.sleep(0.05)
        more.set()
        with pytest.raises(ArtStoreError, match="is stopping"):
            await creating
    async with element_at(root) as again:
        assert (await again.content(upload.file_id)).status_code == 404
