"""What the element tells of requests: what was read from it directly, and what it refused."""

import httpx
import pytest
from running_element import Element

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.patience import eventually


async def of_requests(admin: AdminStandIn, count: int) -> list[AuditEntry]:
    """What was delivered but for changes, as soon as it is so much."""

    def those() -> list[AuditEntry]:
        changes = {"file.create", "file.replace", "file.change", "file.remove"}
        return [each for each in admin.audit.values() if each.action not in changes or each.outcome != "done"]

    async def enough() -> bool:
        return len(those()) >= count

    await eventually(enough)
    return sorted(those(), key=lambda entry: entry.entry_id)


async def test_reads_and_refusals_are_told(element: Element, admin: AdminStandIn) -> None:
    file = await element.put(collection="contracts")
    await element.content(file.file_id)
    await element.attributes(file.file_id)
    nowhere = new_file_id()
    assert (await element.remove(nowhere)).status_code == 404
    read, described, refused = await of_requests(admin, 3)
    assert [(each.action, each.resource, each.outcome) for each in (read, described, refused)] == [
        ("file.read", f"file:{file.file_id}", "done"),
        ("file.read", f"file:{file.file_id}", "done"),
        ("file.remove", f"file:{nowhere}", "refused"),
    ]
    assert (read.service, read.node, read.detail) == ("storage-element", "edit-1", {"collection": "contracts"})
    assert refused.code == "file_unknown"


async def test_whoever_acts_for_somebody_tells_it(element: Element, admin: AdminStandIn) -> None:
    file = await element.put()
    acting = {**admin.mint.bearer("query-module"), ACTING_FOR_HEADER: "carol"}
    path = f"/api/v1/files/{file.file_id}/content"
    assert (await element.http.get(path, headers=acting)).status_code == 200
    assert (await element.http.get(f"/api/v1/files/{new_file_id()}", headers=acting)).status_code == 404
    pretending = {**admin.mint.bearer("mallory", scopes=[Scope.FILES_READ]), ACTING_FOR_HEADER: "carol"}
    assert (await element.http.get(path, headers=pretending)).status_code == 403
    (told,) = await of_requests(admin, 1)
    assert (told.actor, told.acting_for, told.code) == ("mallory", "", "scope_missing")


@pytest.mark.parametrize("path", ["/api/v1/changes", "/api/v1/element", "/api/v1/files", "/api/v1/element/scrub"])
async def test_whoever_has_no_token_is_told(element: Element, admin: AdminStandIn, path: str) -> None:
    async with httpx.AsyncClient(transport=element.http._transport, base_url="http://element.test") as stranger:
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    (told,) = await of_requests(admin, 1)
    assert (told.actor, told.code) == ("", "not_authenticated")


async def test_orders_are_told_and_looking_is_not(element: Element, admin: AdminStandIn) -> None:
    for path in ("/api/v1/element", "/api/v1/element/scrub", "/api/v1/element/expiry"):
        assert (await element.http.get(path)).status_code == 200
    assert (await element.http.post("/api/v1/element/scrub/pause")).status_code == 202
    (told,) = await of_requests(admin, 1)
    assert (told.action, told.actor) == ("element.scrub", "tester")
