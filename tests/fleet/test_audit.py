"""Whatever is away, killed or told twice: in the end each access and each refusal has exactly one entry."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from artstore import ArtStore
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import KIB, Document
from tests.fleet.people import administrator
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet

TOLD_WITHIN_S = 45
TIMES = 5


class Asked:
    """Requests for one file's content, and how each that was answered should be told."""

    def __init__(self, wire: Wire, file_id: str) -> None:
        self._wire = wire
        self.file_id = file_id
        self.expected: dict[str, tuple[str, str]] = {}

    async def several(self) -> None:
        """Good ones, and some without a token."""
        for _ in range(TIMES):
            await self._one(200, ("done", ""))
            await self._one(401, ("refused", "not_authenticated"), token="")

    async def _one(self, status: int, told: tuple[str, str], token: str | None = None) -> None:
        request_id = uuid4().hex
        path, headers = f"/files/{self.file_id}/content", {"X-Request-ID": request_id}
        answer = await self._wire.ask("GET", "query", path, token=token, headers=headers)
        assert answer.status_code == status, answer.text
        self.expected[request_id] = told

    async def is_told(self) -> None:
        """Each that was answered has exactly one entry, with what came of it, and there is none beside."""
        token = await administrator(self._wire)

        async def complete() -> bool:
            return {entry["request_id"] for entry in await self._entries(token)} >= self.expected.keys()

        await eventually(complete, within_s=TOLD_WITHIN_S)
        entries = await self._entries(token)
        assert Counter(entry["request_id"] for entry in entries) == Counter(self.expected.keys())
        assert {entry["request_id"]: (entry["outcome"], entry["code"]) for entry in entries} == self.expected

    async def _entries(self, token: str) -> list[Mapping[str, Any]]:
        """What the log has of accesses to this file: the element tells that it was made, and nothing else."""
        params = {"resource": f"file:{self.file_id}", "action": "file.read", "limit": "1000"}
        answer = await self._wire.ask("GET", "admin", "/audit/entries", token=token, params=params)
        assert answer.status_code == 200, answer.text
        return [item["entry"] for item in answer.json()["items"]]


async def asked_for_one(store: ArtStore, wire: Wire) -> Asked:
    stored = await Document.of_size(KIB).put(store)
    return Asked(wire, str(stored.file_id))


async def test_while_the_admin_module_is_dead_entries_wait_through_a_kill(
    fleet: Fleet, store: ArtStore, wire: Wire
) -> None:
    asked = await asked_for_one(store, wire)
    await asked.several()
    fleet.kill("admin")
    await asked.several()
    fleet.kill("query")
    await asyncio.to_thread(fleet.start_one, "admin")
    await asyncio.to_thread(fleet.start_one, "query")
    await asked.several()
    await asked.is_told()


async def test_while_postgres_is_dead_entries_wait(fleet: Fleet, store: ArtStore, wire: Wire) -> None:
    asked = await asked_for_one(store, wire)
    fleet.kill("postgres")
    await asked.several()
    fleet.kill("query")
    await asyncio.to_thread(fleet.start_one, "query")
    await asyncio.to_thread(fleet.start_one, "postgres")
    await asked.is_told()


async def test_what_is_delivered_twice_is_told_once(fleet: Fleet, store: ArtStore, wire: Wire) -> None:
    asked = await asked_for_one(store, wire)
    await asked.several()
    await asked.is_told()
    await asyncio.to_thread(fleet.stop_one, "query")
    (fleet.layout.audit("query") / "cursor").unlink()
    await asyncio.to_thread(fleet.start_one, "query")
    await asked.several()
    await asked.is_told()
