"""What the element tells of requests: what was read from it directly, and what it refused."""

import httpx
import pytest
from running_element import Element

from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.identity import ACTING_FOR_HEADER, ACTING_FROM_HEADER, LOGIN_CLIENT, Scope
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


async def told_by(admin: AdminStandIn, actor: str) -> bool:
    return any(each.actor == actor for each in admin.audit.values())


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


async def test_content_that_a_service_reads_for_somebody_is_told(element: Element, admin: AdminStandIn) -> None:
    """Also what it did not get: whoever has stolen its secret may be looking for files."""
    file, nowhere = await element.put(collection="contracts"), new_file_id()
    for_carol = {ACTING_FOR_HEADER: "carol", ACTING_FROM_HEADER: "198.51.100.7", "X-Request-ID": "one-request"}
    acting = {**admin.mint.bearer("query-module"), **for_carol}
    for file_id, status in ((file.file_id, 200), (nowhere, 404)):
        answer = await element.http.get(f"/api/v1/files/{file_id}/content", headers=acting)
        assert answer.status_code == status
    told = await of_requests(admin, 2)
    assert {(each.actor, each.acting_for, each.request_id) for each in told} == {
        ("query-module", "carol", "one-request")
    }
    assert {(each.address, each.detail["peer"]) for each in told} == {("198.51.100.7", "127.0.0.1")}
    assert [(each.resource, each.outcome, each.code) for each in told] == [
        (f"file:{file.file_id}", "done", ""),
        (f"file:{nowhere}", "refused", "file_unknown"),
    ]


async def test_whoever_acts_for_somebody_tells_all_else(element: Element, admin: AdminStandIn) -> None:
    file = await element.put()
    acting = {**admin.mint.bearer("query-module"), ACTING_FOR_HEADER: "carol"}
    path = f"/api/v1/files/{file.file_id}"
    assert (await element.http.head(f"{path}/content", headers=acting)).status_code == 200
    for looked_up, status in ((path, 200), (f"/api/v1/files/{new_file_id()}", 404)):
        assert (await element.http.get(looked_up, headers=acting)).status_code == status
    pretending = {**admin.mint.bearer("mallory", scopes=[Scope.FILES_READ]), ACTING_FOR_HEADER: "carol"}
    assert (await element.http.get(path, headers=pretending)).status_code == 403
    (told,) = await of_requests(admin, 1)
    assert (told.actor, told.acting_for, told.code) == ("mallory", "", "scope_missing")


async def test_the_change_feed_is_told_of_whoever_is_no_service(element: Element, admin: AdminStandIn) -> None:
    """It shows the attributes of all files: services follow it for ever, and for others it is one more list."""
    person = {"Authorization": f"Bearer {admin.mint.mint('alice', client_id=LOGIN_CLIENT)}"}
    client = admin.mint.bearer("crawler", scopes=[Scope.FILES_READ])

    async def read(headers: dict[str, str]) -> bool:
        return (await element.http.get("/api/v1/changes", headers=headers)).status_code == 200

    await eventually(lambda: read(admin.mint.bearer("query-module")))  # the index is being opened at first
    assert await read(person)
    assert await read(client)
    await eventually(lambda: told_by(admin, "crawler"))
    done = [each for each in admin.audit.values() if each.outcome == "done"]
    assert [(each.actor, each.action) for each in done] == [("alice", "file.list"), ("crawler", "file.list")]


async def test_a_person_cannot_hide_behind_somebody(element: Element, admin: AdminStandIn) -> None:
    """With `fleet:act-for`, which a super_admin holds, so that they can give it."""
    file = await element.put()
    token = admin.mint.mint("alice", client_id=LOGIN_CLIENT)
    hidden = {"Authorization": f"Bearer {token}", ACTING_FOR_HEADER: "carol"}
    for path in (f"/api/v1/files/{file.file_id}", "/api/v1/files"):
        answer = await element.http.get(path, headers=hidden)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert (await element.http.put("/api/v1/files", content=b"", headers=hidden)).status_code == 403
    told = await of_requests(admin, 3)
    assert {(each.actor, each.acting_for, each.code) for each in told} == {("alice", "", "scope_missing")}


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


async def test_one_token_is_fetched_for_all_that_an_element_asks(element: Element, admin: AdminStandIn) -> None:
    await element.remove(new_file_id())
    await of_requests(admin, 1)
    assert {"/api/v1/revocations", "/api/v1/audit/entries"} <= {request.url.path for request in admin.requests}
    assert admin.tokens_given == 1
