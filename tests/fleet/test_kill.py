"""The storage element is killed in the middle of uploads: what was acknowledged is kept, nothing is half there."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
import pytest

from artstore_kit.clients.element import attributes_header
from artstore_kit.contracts.files import ATTRIBUTES_HEADER, UploadAttributes
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import KIB, MIB, Document, unique_word
from tests.fleet.elements import Element, nothing_is_staged, staged
from tests.fleet.wire import PROBLEM_TYPE, Wire
from tools.fleet.fleet import Fleet

WHOLE = (0, 200, 4 * KIB, 20 * KIB, 60 * KIB, 64 * KIB, 65 * KIB, 100 * KIB, 200 * KIB, 300 * KIB)
CUT = (2 * KIB, 66 * KIB, 300 * KIB, 300 * KIB, 500 * KIB, MIB, MIB, 2 * MIB, 3 * MIB, 5 * MIB)
CLEAR_STATUSES = {502, 503, 504}


@dataclass(frozen=True)
class Attempt:
    """One upload and its answer; None when the connection was lost."""

    document: Document
    answer: httpx.Response | None

    @property
    def acknowledged(self) -> bool:
        """Whether the sender was told that the document is kept."""
        return self.answer is not None and self.answer.status_code == 201

    @property
    def is_clear(self) -> bool:
        """Whether the sender knows what happened, or that he does not know."""
        if self.answer is None or self.acknowledged:
            return True
        return self.answer.status_code in CLEAR_STATUSES and self.answer.headers["Content-Type"] == PROBLEM_TYPE


class Crowd:
    """Twenty senders: ten hand in whole documents one after another, ten stand in the middle of one."""

    def __init__(self, wire: Wire, door: str) -> None:
        self.collection = unique_word()
        self.attempts: list[Attempt] = []
        self._wire = wire
        self._door = door
        self._killed = asyncio.Event()

    async def is_in_the_middle(self) -> None:
        """Return when much was acknowledged and much has been begun."""

        async def is_in_the_middle() -> bool:
            return len(self.attempts) >= 2 * len(WHOLE) and len(staged(self._wire.fleet)) >= 3

        await eventually(is_in_the_middle, within_s=20)

    async def send(self) -> None:
        """All of them, until the element is killed."""
        async with asyncio.TaskGroup() as tasks:
            for size in WHOLE:
                tasks.create_task(self._send_whole_ones(size))
            for size in CUT:
                tasks.create_task(self._send_one(Document.of_size(size, self.collection), cut=True))

    def go_on(self) -> None:
        """The element was killed."""
        self._killed.set()

    async def _send_whole_ones(self, size_bytes: int) -> None:
        while not self._killed.is_set():
            await self._send_one(Document.of_size(size_bytes, self.collection), cut=False)

    async def _send_one(self, document: Document, *, cut: bool) -> None:
        body = self._in_two(document.content) if cut else document.content
        try:
            answer = await self._handed_in(document, body)
        except httpx.TransportError:
            self.attempts.append(Attempt(document, None))
        else:
            self.attempts.append(Attempt(document, answer))

    async def _in_two(self, content: bytes) -> AsyncIterator[bytes]:
        middle = len(content) * 2 // 3
        yield content[:middle]
        await self._killed.wait()
        yield content[middle:]

    async def _handed_in(self, document: Document, body: bytes | AsyncIterator[bytes]) -> httpx.Response:
        if self._door == "ingester":
            return await self._wire.upload(body, **document.attributes)
        described = attributes_header(UploadAttributes.model_validate(document.attributes))
        path, headers = f"/files/{new_file_id()}", {ATTRIBUTES_HEADER: described}
        return await self._wire.ask("PUT", "edit-1", path, headers=headers, content=body)


@pytest.mark.parametrize("door", ["ingester", "element"])
async def test_the_element_is_killed_in_the_middle_of_uploads(fleet: Fleet, wire: Wire, door: str) -> None:
    crowd = Crowd(wire, door)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crowd.send())
        await crowd.is_in_the_middle()
        fleet.kill("edit-1")
        crowd.go_on()
    assert staged(fleet) != []

    await asyncio.to_thread(fleet.start_one, "edit-1")

    kept = await Element(wire, "edit-1", crowd.collection).agreed()
    _acknowledged_is_kept(crowd.attempts, kept)
    await nothing_is_staged(fleet)


def _acknowledged_is_kept(attempts: Sequence[Attempt], kept: Mapping[str, str]) -> None:
    given = {attempt.document.name: attempt.document.sha256 for attempt in attempts}
    acknowledged = {attempt.document.name for attempt in attempts if attempt.acknowledged}
    assert [attempt.answer for attempt in attempts if not attempt.is_clear] == []
    assert acknowledged - kept.keys() == set()
    assert {name: given[name] for name in kept} == kept
    assert len(acknowledged) >= len(WHOLE)
    assert len(given) - len(acknowledged) >= 5
