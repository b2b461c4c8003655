"""Through an outage of the admin module and kills in the middle of work each acknowledged change is told once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from artstore_kit.contracts.files import ATTRIBUTES_HEADER
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import unique_word
from tests.fleet.people import administrator
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet

TOLD_WITHIN_S = 45
WORKERS = 3
ELEMENT = "storage-element"
INGESTER = "ingester-module"
REFUSED = ("refused", "file_held")

type Told = tuple[str, str, str]
"""Service, request and action."""


class Work:
    """Files that are stored, changed, replaced, held and removed; and how each answered request should be told."""

    def __init__(self, wire: Wire, keeper: str) -> None:
        self.expected: dict[Told, tuple[str, str]] = {}
        self.unsure: set[str] = set()
        """Requests whose answer did not come: they were carried out, or not."""
        self._wire = wire
        self._keeper = keeper
        self._began = datetime.now(UTC)

    async def goes_on(self) -> None:
        """Round after round, until a request is not answered as it should be."""
        while await self.round():
            pass

    async def round(self) -> bool:
        """The life of one file, and of one that is held; whether all was answered."""
        file_id = await self._created()
        path = f"/files/{file_id}"
        return (
            bool(file_id)
            and await self._done("file.change", "PATCH", "ingester", path, json={"tags": ["x"]})
            and await self._done("file.replace", "PUT", "edit-1", f"{path}/content", content=b"another")
            and await self._done("file.remove", "DELETE", "ingester", path)
            and await self._held()
        )

    async def _held(self) -> bool:
        file_id = await self._created()
        path, hold = f"/files/{file_id}", {"json": {"reason": "court"}, "token": self._keeper}
        return (
            bool(file_id)
            and await self._done("hold.place", "PUT", "ingester", f"{path}/holds/case-7", **hold)
            and await self._refused("file.change", "PATCH", path, json={"tags": ["y"]})
            and await self._refused("file.remove", "DELETE", path)
        )

    async def _created(self) -> str:
        described = {ATTRIBUTES_HEADER: json.dumps({"name": f"{unique_word()}.bin"})}
        answer = await self._told("file.create", "POST", "ingester", "/files", headers=described, content=b"once")
        return str(answer.json()["file_id"]) if answer is not None else ""

    async def _done(self, action: str, method: str, service: str, path: str, **content: Any) -> bool:
        return await self._told(action, method, service, path, **content) is not None

    async def _told(self, action: str, method: str, service: str, path: str, **content: Any) -> httpx.Response | None:
        request_id, answer = await self._ask(method, service, path, **content)
        if answer is not None:
            assert answer.is_success, answer.text
            self.expected[ELEMENT, request_id, action] = ("done", "")
        return answer

    async def _refused(self, action: str, method: str, path: str, **content: Any) -> bool:
        """The ingester tells it, and the element behind it does not."""
        request_id, answer = await self._ask(method, "ingester", path, **content)
        if answer is not None:
            assert (answer.status_code, answer.json()["code"]) == (409, "file_held"), answer.text
            self.expected[INGESTER, request_id, action] = REFUSED
        return answer is not None

    async def _ask(self, method: str, service: str, path: str, **content: Any) -> tuple[str, httpx.Response | None]:
        """The answer; None when there was none, or one that leaves it open."""
        request_id = uuid4().hex
        headers = {"X-Request-ID": request_id, **content.pop("headers", {})}
        try:
            answer = await self._wire.ask(method, service, path, headers=headers, **content)
        except httpx.TransportError:
            self.unsure.add(request_id)
            return request_id, None
        if answer.status_code >= 500:
            self.unsure.add(request_id)
            return request_id, None
        return request_id, answer

    async def is_told(self) -> None:
        """Each that was answered has exactly one entry; of each other one there is one at most from each service."""

        async def complete() -> bool:
            return {told_by(each) async for each in self._entries()} >= self.expected.keys()

        await eventually(complete, within_s=TOLD_WITHIN_S)
        entries = [each async for each in self._entries()]
        assert max(Counter(map(told_by, entries)).values()) == 1
        sure = [each for each in entries if each["request_id"] not in self.unsure]
        assert {told_by(each): (each["outcome"], each["code"]) for each in sure} == self.expected

    async def _entries(self) -> AsyncIterator[Mapping[str, Any]]:
        """What the log has of these requests."""
        token, ours = await administrator(self._wire), {told[1] for told in self.expected} | self.unsure
        for action in ("file.", "hold."):
            cursor: dict[str, str] = {}
            while True:
                params = {"action": action, "from": self._began.isoformat(), "limit": "1000", **cursor}
                answer = await self._wire.ask("GET", "admin", "/audit/entries", token=token, params=params)
                page = answer.raise_for_status().json()
                for item in page["items"]:
                    if item["entry"]["request_id"] in ours:
                        yield item["entry"]
                if not page["next_cursor"]:
                    break
                cursor = {"cursor": page["next_cursor"]}


def told_by(entry: Mapping[str, Any]) -> Told:
    return entry["service"], entry["request_id"], entry["action"]


async def test_changes_and_refusals_are_told_once_through_an_outage_and_kills(fleet: Fleet, wire: Wire) -> None:
    work = Work(wire, await administrator(wire))
    assert await work.round()
    fleet.kill("admin")
    assert await work.round()
    async with asyncio.TaskGroup() as workers:
        before = len(work.expected)
        for _ in range(WORKERS):
            workers.create_task(work.goes_on())
        await eventually(lambda: is_busy(work, before), within_s=20)
        fleet.kill("edit-1")
        fleet.kill("ingester")
    for name in ("admin", "edit-1", "ingester"):
        await asyncio.to_thread(fleet.start_one, name)
    assert await work.round()
    await work.is_told()


async def is_busy(work: Work, before: int) -> bool:
    return len(work.expected) >= before + 30
