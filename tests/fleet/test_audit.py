"""Whatever is away, killed or told twice: in the end each access and each refusal has exactly one entry."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from artstore import ArtStore
from artstore_kit.contracts.identity import ACTING_FOR_HEADER
from artstore_kit.testing.patience import eventually
from tests.fleet.documents import KIB, Document
from tests.fleet.people import administrator, token_of
from tests.fleet.wire import Wire
from tools.fleet.fleet import Fleet
from tools.fleet.secrets import DEMO_ACCOUNT

TOLD_WITHIN_S = 45
TIMES = 5


class Asked:
    """Requests for one file's content, and how each that was answered should be told."""

    def __init__(self, wire: Wire, file_id: str) -> None:
        self._wire = wire
        self.file_id = file_id
        self.expected: dict[tuple[str, str], tuple[str, str]] = {}

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
        self.expected["query-module", request_id] = told
        if status == 200:
            self.expected["storage-element", request_id] = told

    async def is_told(self) -> None:
        """Each that was answered has exactly one entry, with what came of it, and there is none beside.

        The element tells too what it gave to the query module.
        """
        token = await administrator(self._wire)

        async def complete() -> bool:
            return {told_by(entry) for entry in await self.entries(token)} >= self.expected.keys()

        await eventually(complete, within_s=TOLD_WITHIN_S)
        entries = await self.entries(token)
        assert Counter(map(told_by, entries)) == Counter(self.expected.keys())
        assert {told_by(entry): (entry["outcome"], entry["code"]) for entry in entries} == self.expected

    async def entries(self, token: str) -> list[Mapping[str, Any]]:
        """What the log has of accesses to this file: the element tells that it was made, and nothing else."""
        params = {"resource": f"file:{self.file_id}", "action": "file.read", "limit": "1000"}
        answer = await self._wire.ask("GET", "admin", "/audit/entries", token=token, params=params)
        assert answer.status_code == 200, answer.text
        return [item["entry"] for item in answer.json()["items"]]


def told_by(entry: Mapping[str, Any]) -> tuple[str, str]:
    return entry["service"], entry["request_id"]


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


async def test_a_stolen_secret_of_a_service_reads_nothing_untold(fleet: Fleet, store: ArtStore, wire: Wire) -> None:
    """A read for somebody, of which the service that acts does not tell, was not its own."""
    asked = await asked_for_one(store, wire)
    await asked.several()
    stolen = await token_of(fleet, *fleet.credentials("query-module"))
    headers = {ACTING_FOR_HEADER: DEMO_ACCOUNT, "X-Request-ID": "thief"}
    answer = await wire.ask("GET", "edit-1", f"/files/{asked.file_id}/content", token=stolen, headers=headers)
    assert answer.status_code == 200
    asked.expected["storage-element", "thief"] = ("done", "")
    await asked.is_told()
    entries = await asked.entries(await administrator(wire))
    in_front = {entry["request_id"]: entry["actor"] for entry in entries if not entry["acting_for"]}
    behind = [entry for entry in entries if entry["acting_for"]]
    assert {entry["acting_for"] for entry in behind} == {DEMO_ACCOUNT}
    assert {entry["actor"] for entry in behind} == {"query-module"}
    assert [each["request_id"] for each in behind if each["acting_for"] != in_front.get(each["request_id"])] == [
        "thief"
    ]
