"""Legal holds: placed and released at any time, and while there is one nothing touches the file."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from element_core import ASKER
from running_element import Element, ElementAt, arriving, code

from artstore_kit.contracts.approvals import APPROVAL_HEADER, ApprovalUse, GuardedOperation, hold_resource
from artstore_kit.contracts.errors import FileHeld
from artstore_kit.contracts.files import AttributeChanges, FileAttributes
from artstore_kit.contracts.identity import Action, Grant, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn
from storage_element.services.write import Replacement


async def place(
    element: Element, file_id: UUID, hold_id: str = "case-7", reason: str = "court", **headers: str
) -> httpx.Response:
    at = f"/api/v1/files/{file_id}/holds/{quote(hold_id, safe='')}"
    return await element.http.put(at, json={"reason": reason}, headers=_named(headers))


async def release(
    element: Element, admin: AdminStandIn, file_id: UUID, hold_id: str = "case-7", **headers: str
) -> httpx.Response:
    """With an approval."""
    resource = hold_resource(file_id, hold_id)
    approval = admin.approve(ApprovalUse(operation=GuardedOperation.HOLD_RELEASE, resource=resource, by="tester"))
    at = f"/api/v1/files/{file_id}/holds/{quote(hold_id, safe='')}"
    return await element.http.delete(at, headers={APPROVAL_HEADER: str(approval), **_named(headers)})


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def test_a_hold_is_placed_once_and_released(element: Element, admin: AdminStandIn) -> None:
    file = await element.put(b"evidence", description="kept")
    placed = await place(element, file.file_id, "дело 7")
    assert (placed.status_code, placed.headers["etag"]) == (200, '"r2"')
    held = FileAttributes.model_validate_json(placed.content)
    assert [(hold.id, hold.reason) for hold in held.holds] == [("дело 7", "court")]
    assert (await place(element, file.file_id, "дело 7")).content == placed.content
    assert json.loads(element.attributes_path(file).read_bytes())["holds"] == [{"id": "дело 7", "reason": "court"}]

    assert (await release(element, admin, file.file_id, "дело 7")).status_code == 204
    assert (await release(element, admin, file.file_id, "дело 7")).status_code == 204
    free = await element.attributes(file.file_id)
    assert (free.holds, free.revision, free.description) == ([], 3, "kept")
    assert [change.attributes for change in (await element.feed_up_to(3)).items] == [free]


async def test_nothing_touches_a_held_file_until_its_last_hold_is_released(
    element: Element, admin: AdminStandIn
) -> None:
    file = await element.put(b"evidence")
    for hold_id in ("case-7", "case-8"):
        assert (await place(element, file.file_id, hold_id)).status_code == 200
    for hold_id in ("case-7", "case-8"):
        assert code(await element.remove(file.file_id)) == (409, "file_held")
        assert code(await element.replace(file, b"other")) == (409, "file_held")
        assert code(await element.patch(file.file_id, tags=["x"])) == (409, "file_held")
        assert (await release(element, admin, file.file_id, hold_id)).status_code == 204
    assert (await element.remove(file.file_id)).status_code == 204


async def test_a_hold_that_comes_during_a_replacement_wins(element: Element) -> None:
    file, begun, goes_on = await element.put(b"evidence"), asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        begun.set()
        await goes_on.wait()
        yield b"other"

    replacement = Replacement(file.file_id, AttributeChanges(), ASKER)
    replacing = asyncio.create_task(element.services.writer.replace(replacement, arriving(slow())))
    await begun.wait()
    assert (await place(element, file.file_id)).status_code == 200
    goes_on.set()
    with pytest.raises(FileHeld):
        await replacing
    assert (await element.content(file.file_id)).content == b"evidence"
    assert element.staged() == []


async def test_a_revision_may_be_named(element: Element, admin: AdminStandIn) -> None:
    file = await element.put()
    assert code(await place(element, file.file_id, If_Match='"r2"')) == (412, "revision_mismatch")
    assert (await place(element, file.file_id, If_Match='"r1"')).status_code == 200
    assert (await place(element, file.file_id, If_Match='"r1"')).status_code == 200  # the answer was lost
    assert code(await release(element, admin, file.file_id, If_Match='"r1"')) == (412, "revision_mismatch")
    assert (await release(element, admin, file.file_id, If_Match='"r2"')).status_code == 204
    assert (await release(element, admin, file.file_id, If_Match='"r2"')).status_code == 204


async def test_archives_take_holds_until_they_are_closed(
    element_at: ElementAt, root: Path, admin: AdminStandIn
) -> None:
    async with element_at(root, mode=Mode.RW) as element:
        file = await element.put(b"evidence", retention={"kind": "permanent"})
        assert (await place(element, file.file_id)).status_code == 200
        assert (await release(element, admin, file.file_id)).status_code == 204
        assert (await place(element, file.file_id, "case-8")).status_code == 200
    superblock = root / "element.json"
    superblock.write_text(json.dumps(json.loads(superblock.read_text()) | {"mode": "ro"}))
    async with element_at(root, mode=Mode.RO) as element:
        assert [hold.id for hold in (await element.attributes(file.file_id)).holds] == ["case-8"]
        assert code(await place(element, file.file_id, "case-9")) == (409, "mode_forbids")
        assert code(await release(element, admin, file.file_id, "case-8")) == (409, "mode_forbids")


async def test_holds_have_limits(element: Element) -> None:
    file = await element.put(holds=[{"id": f"case-{number}"} for number in range(15)])
    assert (await place(element, file.file_id, "the last")).status_code == 200
    assert code(await place(element, file.file_id, "one more")) == (409, "too_many_holds")
    assert code(await place(element, file.file_id, "the last", "another reason")) == (409, "hold_exists")
    full = await element.put(description="x" * 3000)
    assert code(await place(element, full.file_id, "a" * 64, "я" * 450)) == (422, "attributes_too_large")


@pytest.mark.parametrize("hold_id", ["x" * 65, "a\nb", "a\x7f"])
async def test_ids_that_no_hold_has(element: Element, hold_id: str) -> None:
    file = await element.put()
    assert code(await place(element, file.file_id, hold_id)) == (422, "invalid_fields")
    at = f"/api/v1/files/{file.file_id}/holds/{quote(hold_id, safe='')}"
    assert code(await element.http.delete(at)) == (422, "invalid_fields")


@pytest.mark.parametrize("hold_id", ["a/b", ".", ".."])
async def test_an_id_that_no_address_can_end_with_is_not_given(element: Element, hold_id: str) -> None:
    assert code(await element.send(holds=[{"id": hold_id}])) == (422, "invalid_attributes")


@pytest.mark.parametrize("body", [{"reason": "x" * 501}, {"reason": "a\nb"}, {"colour": "red"}])
async def test_what_is_no_hold(element: Element, body: dict[str, str]) -> None:
    file = await element.put()
    answer = await element.http.put(f"/api/v1/files/{file.file_id}/holds/case-7", json=body)
    assert code(answer) == (422, "invalid_fields")


async def test_nobody_holds_what_is_not_there(element: Element, admin: AdminStandIn) -> None:
    assert code(await place(element, new_file_id())) == (404, "file_unknown")
    assert code(await release(element, admin, new_file_id())) == (404, "file_unknown")


async def test_the_scope_and_a_grant_are_needed(element: Element, admin: AdminStandIn) -> None:
    file = await element.put(collection="hr")
    others = Grant(collection="contracts", actions=frozenset(Action))
    reading = Grant(collection="hr", actions=frozenset({Action.READ}))
    without = admin.mint.bearer(scopes=set(Scope) - {Scope.FILES_HOLD})
    stranger, reader = ({"Authorization": f"Bearer {admin.mint.mint(grants=[grant])}"} for grant in (others, reading))
    for headers, expected in ((without, "scope_missing"), (stranger, "grant_missing"), (reader, "grant_missing")):
        assert code(await place(element, file.file_id, **headers)) == (403, expected)
        assert code(await release(element, admin, file.file_id, **headers)) == (403, expected)
    assert (await element.attributes(file.file_id)).holds == []
