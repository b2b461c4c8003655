"""Legal holds through the ingester, wherever the file lies."""

from uuid import UUID

import httpx

from artstore_kit.clients.element import hold_path
from artstore_kit.contracts.approvals import APPROVAL_HEADER
from artstore_kit.contracts.files import HoldPlacement
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from artstore_kit.testing.element import StandInElement

FILES = "/api/v1/files"
HOLD = HoldPlacement(reason="суд").model_dump()
APPROVAL = {APPROVAL_HEADER: str(new_file_id())}


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def stored(client: httpx.AsyncClient, **query: str) -> UUID:
    answer = await client.post(FILES, params={"name": "a"} | query, content=b"x")
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["file_id"])


async def test_a_hold_is_placed_and_released_where_the_file_lies(
    client: httpx.AsyncClient, edit: StandInElement, rw: StandInElement
) -> None:
    for element, retention in ((edit, "temporary"), (rw, "permanent")):
        file_id = await stored(client, retention=retention)
        url = hold_path(file_id, "дело 7")
        placed = await client.put(url, json=HOLD)
        assert (placed.status_code, placed.headers["ETag"]) == (200, '"r2"'), placed.text
        assert placed.content == element.files[file_id].attributes.to_json()
        assert placed.json()["holds"] == [{"id": "дело 7", "reason": "суд"}]
        assert (await client.put(url, json=HOLD)).content == placed.content
        refused(await client.patch(f"{FILES}/{file_id}", json={"tags": []}), 409, "file_held")

        refused(await client.delete(url), 403, "approval_required")
        for _ in range(2):
            assert (await client.delete(url, headers=APPROVAL)).status_code == 204
        assert element.files[file_id].attributes.holds == []
        asked = [seen for seen in element.seen if "/holds/" in seen.path]
        assert {seen.headers["X-ArtStore-Acting-For"] for seen in asked} == {"alice"}
        assert [seen.headers.get(APPROVAL_HEADER) for seen in asked[-2:]] == [APPROVAL[APPROVAL_HEADER]] * 2


async def test_a_held_file_stays(client: httpx.AsyncClient, edit: StandInElement) -> None:
    file_id = await stored(client)
    await client.put(hold_path(file_id, "case-7"), json=HOLD)
    refused(await client.delete(f"{FILES}/{file_id}"), 409, "file_held")
    assert file_id in edit.files


async def test_a_revision_may_be_named(client: httpx.AsyncClient) -> None:
    url = hold_path(await stored(client), "case-7")
    refused(await client.put(url, json=HOLD, headers={"If-Match": '"r2"'}), 412, "revision_mismatch")
    assert (await client.put(url, json=HOLD, headers={"If-Match": '"r1"'})).status_code == 200
    refused(await client.delete(url, headers={"If-Match": '"r1"'}), 412, "revision_mismatch")
    assert (await client.delete(url, headers=APPROVAL | {"If-Match": '"r2"'})).status_code == 204


async def test_the_scope_and_a_grant_are_needed(client: httpx.AsyncClient, admin: AdminStandIn) -> None:
    url = hold_path(await stored(client, collection="hr"), "case-7")
    without = admin.mint.bearer(scopes=set(Scope) - {Scope.FILES_HOLD})
    reading = Grant(collection="hr", actions=frozenset({Action.READ, Action.DELETE}))
    reader = {"Authorization": f"Bearer {admin.mint.mint(grants=[reading])}"}
    for headers, code in ((without, "scope_missing"), (reader, "grant_missing")):
        refused(await client.put(url, json=HOLD, headers=headers), 403, code)
        refused(await client.delete(url, headers=headers), 403, code)


async def test_what_the_element_refuses_is_refused(client: httpx.AsyncClient, rw: StandInElement) -> None:
    file_id = await stored(client, retention="permanent")
    rw.mode = Mode.RO
    refused(await client.put(hold_path(file_id, "case-7"), json=HOLD), 409, "mode_forbids")
    refused(await client.put(hold_path(new_file_id(), "case-7"), json=HOLD), 404, "file_unknown")
    refused(await client.put(hold_path(file_id, "case-7"), json={"why": "x"}), 422, "invalid_fields")
    refused(await client.delete(hold_path(file_id, "x" * 65)), 422, "invalid_fields")


async def test_an_approval_goes_along_with_a_removal(client: httpx.AsyncClient, edit: StandInElement) -> None:
    file_id = await stored(client)
    assert (await client.delete(f"{FILES}/{file_id}", headers=APPROVAL)).status_code == 204
    assert next(edit.requests("DELETE")).headers[APPROVAL_HEADER] == APPROVAL[APPROVAL_HEADER]
    refused(await client.delete(f"{FILES}/{file_id}", headers={APPROVAL_HEADER: "yes"}), 422, "invalid_fields")
