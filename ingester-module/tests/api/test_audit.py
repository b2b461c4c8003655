"""What the ingester refuses is told to the audit log; what it carries out the element tells, with the change."""

from collections.abc import Awaitable, Callable

import httpx

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.identity import Action, Grant
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.patience import eventually

type Start = Callable[..., Awaitable[httpx.AsyncClient]]


async def told(admin: AdminStandIn, count: int) -> list[AuditEntry]:
    async def enough() -> bool:
        return len(admin.audit) >= count

    await eventually(enough)
    return sorted(admin.audit.values(), key=lambda entry: entry.entry_id)


async def test_refusals_are_told_and_changes_are_not(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    stored = await client.post("/api/v1/files", params={"name": "a", "collection": "hr/2026"}, content=b"12345")
    assert stored.status_code == 201
    file_id = stored.json()["file_id"]
    assert (await client.delete(f"/api/v1/files/{file_id}")).status_code == 204
    nowhere = new_file_id()
    assert (await client.delete(f"/api/v1/files/{nowhere}")).status_code == 404
    (entry,) = await told(admin, 1)
    assert (entry.service, entry.actor, entry.action) == ("ingester-module", "alice", "file.remove")
    assert (entry.resource, entry.code) == (f"file:{nowhere}", "file_unknown")


async def test_an_upload_without_the_grant_names_the_collection(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    token = admin.mint.mint("bob", grants=[Grant(collection="contracts", actions=frozenset(Action))])
    answer = await client.post(
        "/api/v1/files",
        params={"name": "a", "collection": "hr/2026"},
        content=b"12345",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "grant_missing")
    (entry,) = await told(admin, 1)
    assert (entry.actor, entry.action, entry.code) == ("bob", "file.create", "grant_missing")
    assert entry.detail == {"collection": "hr/2026"}


async def test_an_upload_without_a_token_has_no_actor(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    answer = await client.post("/api/v1/files", content=b"", headers={"Authorization": "Bearer nothing"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    (entry,) = await told(admin, 1)
    assert (entry.actor, entry.action, entry.outcome) == ("", "file.create", "refused")
