"""Each access and each refusal is told to the audit log, once, with who, what and which collection."""

from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.identity import Action, Grant
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.application import open_client
from artstore_kit.testing.documents import document
from artstore_kit.testing.element import StandInElement
from artstore_kit.testing.patience import eventually
from query_module.config import Settings
from query_module.main import create_app


async def told(admin: AdminStandIn, count: int) -> list[AuditEntry]:
    """What has been delivered, as soon as it is so much."""

    async def enough() -> bool:
        return len(admin.audit) >= count

    await eventually(enough)
    return sorted(admin.audit.values(), key=lambda entry: entry.entry_id)


async def stored(element: StandInElement) -> str:
    file = await element.store(document("report.txt", content=b"0123456789", collection="hr/2026"), b"0123456789")
    return str(file.file_id)


async def test_reads_and_searches_are_told(
    client: httpx.AsyncClient, element: StandInElement, admin: AdminStandIn
) -> None:
    file_id = await stored(element)
    for path in (f"/files/{file_id}", f"/files/{file_id}/content", "/search?q=report", "/files"):
        assert (await client.get(f"/api/v1{path}")).status_code == 200
    assert (await client.head(f"/api/v1/files/{file_id}/content")).status_code == 200
    entries = await told(admin, 5)
    assert [(entry.action, entry.resource, entry.detail) for entry in entries] == [
        ("file.read", f"file:{file_id}", {"collection": "hr/2026"}),
        ("file.read", f"file:{file_id}", {"collection": "hr/2026"}),
        ("file.search", "", {}),
        ("file.list", "", {}),
        ("file.read", f"file:{file_id}", {"collection": "hr/2026"}),
    ]
    assert {(entry.service, entry.actor, entry.outcome) for entry in entries} == {("query-module", "tester", "done")}


@pytest.mark.parametrize("what", ["", "/content"])
async def test_a_refusal_names_the_collection_that_was_not_granted(
    client: httpx.AsyncClient, element: StandInElement, admin: AdminStandIn, what: str
) -> None:
    file_id = await stored(element)
    token = admin.mint.mint("bob", grants=[Grant(collection="contracts", actions=frozenset(Action))])
    answer = await client.get(f"/api/v1/files/{file_id}{what}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "grant_missing")
    (entry,) = await told(admin, 1)
    assert (entry.actor, entry.resource, entry.code) == ("bob", f"file:{file_id}", "grant_missing")
    assert entry.detail == {"collection": "hr/2026"}


async def test_what_is_not_there_was_asked_for_all_the_same(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    file_id = new_file_id()
    await client.get(f"/api/v1/files/{file_id}/content")
    (entry,) = await told(admin, 1)
    assert (entry.outcome, entry.code, entry.resource) == ("refused", "file_unknown", f"file:{file_id}")


async def test_while_the_admin_module_is_away_entries_wait(
    client: httpx.AsyncClient, element: StandInElement, admin: AdminStandIn
) -> None:
    file_id = await stored(element)
    admin.audit_failing = True
    await client.get(f"/api/v1/files/{file_id}/content")
    await eventually(_asked(admin.requests))
    assert admin.audit == {}
    admin.audit_failing = False
    assert [entry.action for entry in await told(admin, 1)] == ["file.read"]


def _asked(requests: Iterable[object]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return any("/audit/" in str(getattr(request, "url", "")) for request in requests)

    return asked


async def test_when_the_spool_is_full_reads_go_on_and_the_gap_is_told(
    settings: Settings, element: StandInElement, admin: AdminStandIn
) -> None:
    file_id = await stored(element)
    small = settings.audit.model_copy(update={"spool_limit_bytes": 2**16})
    app = create_app(settings.model_copy(update={"audit": small}))
    admin.audit_failing = True
    asked = 250  # more than find room
    async with open_client(app, admin.mint.bearer("alice")) as client:
        for _ in range(asked):
            assert (await client.get(f"/api/v1/files/{file_id}")).status_code == 200
        admin.audit_failing = False
        await eventually(_all_told(admin, asked), within_s=15)
    kept = [entry for entry in admin.audit.values() if entry.action == "file.read"]
    assert 0 < len(kept) < asked


def _all_told(admin: AdminStandIn, asked: int) -> Callable[[], Awaitable[bool]]:
    """As entries, or as the numbers of gaps: how many gaps there are depends on who is faster."""

    async def all_told() -> bool:
        entries = admin.audit.values()
        kept = sum(entry.action == "file.read" for entry in entries)
        not_kept = [entry.detail["not_kept"] for entry in entries if entry.action == "audit.gap"]
        return kept + sum(not_kept) == asked  # type: ignore[arg-type]

    return all_told
