"""What cannot be undone: only with the approval of a second administrator, and not while nobody can be asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from running_element import Element, ElementAt, code

from artstore_kit.contracts.approvals import (
    APPROVAL_HEADER,
    ApprovalUse,
    GuardedOperation,
    file_resource,
    hold_resource,
)
from artstore_kit.contracts.files import FileAttributes
from artstore_kit.contracts.identity import ACTING_FOR_HEADER
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.contracts.modes import Mode
from artstore_kit.testing.admin import AdminStandIn

FAR = {"policy": "ten-years", "retain_until": "2999-01-01T00:00:00Z"}


async def remove(element: Element, file: FileAttributes, approval: object = "", **headers: str) -> httpx.Response:
    return await element.http.delete(f"/api/v1/files/{file.file_id}", headers=_with(approval, headers))


async def release(element: Element, file: FileAttributes, approval: object = "", **headers: str) -> httpx.Response:
    return await element.http.delete(f"/api/v1/files/{file.file_id}/holds/case-7", headers=_with(approval, headers))


def _with(approval: object, headers: dict[str, str]) -> dict[str, str]:
    return headers | ({APPROVAL_HEADER: str(approval)} if approval else {})


def destroying(file: FileAttributes, by: str = "tester") -> ApprovalUse:
    return ApprovalUse(operation=GuardedOperation.FILE_DESTROY, resource=file_resource(file.file_id), by=by)


def releasing(file: FileAttributes, by: str = "tester", hold_id: str = "case-7") -> ApprovalUse:
    resource = hold_resource(file.file_id, hold_id)
    return ApprovalUse(operation=GuardedOperation.HOLD_RELEASE, resource=resource, by=by)


def seen(use: ApprovalUse, file: FileAttributes) -> ApprovalUse:
    """As the element asks for it."""
    return use.model_copy(update={"seen": f"{file.element.id}/{file.element.lsn}"})


async def held(element: Element) -> FileAttributes:
    return await element.put(b"evidence", holds=[{"id": "case-7"}])


async def test_a_hold_is_released_with_an_approval(element: Element, admin: AdminStandIn) -> None:
    file = await held(element)
    refused = await release(element, file)
    assert code(refused) == (403, "approval_required")
    told = {"operation": "hold.release", "resource": f"hold:{file.file_id}/case-7"}
    assert {name: refused.json()[name] for name in told} == told
    assert (await release(element, file, admin.approve(releasing(file)))).status_code == 204
    assert admin.uses == [seen(releasing(file), file)]


async def test_a_hold_that_is_placed_anew_needs_an_approval_of_its_own(element: Element, admin: AdminStandIn) -> None:
    file = await held(element)
    approval = admin.approve(releasing(file))
    assert (await release(element, file, approval)).status_code == 204
    placed = await element.http.put(f"/api/v1/files/{file.file_id}/holds/case-7", json={})
    assert placed.status_code == 200
    refused = await release(element, file, approval)
    assert (code(refused), refused.json()["state"]) == ((403, "approval_invalid"), "used")
    assert [hold.id for hold in (await element.attributes(file.file_id)).holds] == ["case-7"]


async def test_what_was_not_done_is_repeated_with_the_same_approval(element: Element, admin: AdminStandIn) -> None:
    file = await held(element)
    approval = admin.approve(releasing(file))
    used = {"used_on": seen(releasing(file), file).seen}
    admin.approvals[approval] = admin.approvals[approval].model_copy(update=used)
    assert (await release(element, file, approval)).status_code == 204


async def test_for_a_hold_that_is_not_there_nobody_is_asked(element: Element, admin: AdminStandIn) -> None:
    file = await element.put()
    assert (await release(element, file)).status_code == 204
    assert (await release(element, file, new_file_id())).status_code == 204
    assert admin.uses == []


async def test_a_file_is_destroyed_before_its_time_with_an_approval(element: Element, admin: AdminStandIn) -> None:
    file = await element.put(b"personal data", retention=FAR)
    assert code(await remove(element, file)) == (409, "file_retained")
    assert (await remove(element, file, admin.approve(destroying(file)))).status_code == 204
    assert code(await element.content(file.file_id)) == (404, "file_unknown")
    assert not element.content_path(file).exists()
    assert admin.uses == [seen(destroying(file), file)]


async def test_what_may_be_removed_anyway_uses_no_approval(element: Element, admin: AdminStandIn) -> None:
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    for retention in ({"policy": "working"}, {"policy": "p", "retain_until": past}):
        file = await element.put(retention=retention)
        assert (await remove(element, file, admin.approve(destroying(file)))).status_code == 204
    assert admin.uses == []


async def test_no_approval_removes_what_is_held(element: Element, admin: AdminStandIn) -> None:
    file = await element.put(b"evidence", retention=FAR, holds=[{"id": "case-7"}])
    assert code(await remove(element, file, admin.approve(destroying(file)))) == (409, "file_held")
    assert admin.uses == []


async def test_no_approval_removes_anything_from_an_archive(
    element_at: ElementAt, root: Path, admin: AdminStandIn
) -> None:
    async with element_at(root, mode=Mode.RW) as element:
        file = await element.put(b"for ever", retention=FAR | {"kind": "permanent"})
        assert code(await remove(element, file, admin.approve(destroying(file)))) == (409, "mode_forbids")
    assert admin.uses == []


async def test_an_approval_is_good_for_its_deed_alone(element: Element, admin: AdminStandIn) -> None:
    file, other = await element.put(retention=FAR, holds=[{"id": "case-7"}]), await held(element)
    retained = await element.put(retention=FAR)
    wrong: list[UUID] = [
        admin.approve(releasing(other)),
        admin.approve(releasing(file, by="bob")),
        admin.approve(releasing(file, hold_id="case-8")),
        admin.approve(destroying(file)),
    ]
    for approval in wrong:
        assert code(await release(element, file, approval)) == (403, "approval_invalid")
    for approval in (admin.approve(destroying(file)), admin.approve(destroying(retained, by="bob"))):
        assert code(await remove(element, retained, approval)) == (403, "approval_invalid")
    assert code(await release(element, file, new_file_id())) == (404, "approval_unknown")
    assert code(await release(element, file, "yes")) == (422, "invalid_fields")
    assert await element.attributes(file.file_id) == file
    assert await element.attributes(retained.file_id) == retained


async def test_it_is_the_person_behind_the_service_who_counts(element: Element, admin: AdminStandIn) -> None:
    file = await held(element)
    for_ada = {ACTING_FOR_HEADER: "ada"}
    assert code(await release(element, file, admin.approve(releasing(file)), **for_ada)) == (403, "approval_invalid")
    assert (await release(element, file, admin.approve(releasing(file, by="ada")), **for_ada)).status_code == 204


@pytest.mark.parametrize("silent", [True, False], ids=["stopped", "failing"])
async def test_while_nobody_can_be_asked_nothing_is_done(element: Element, admin: AdminStandIn, silent: bool) -> None:
    file, retained = await held(element), await element.put(retention=FAR)
    approvals = admin.approve(releasing(file)), admin.approve(destroying(retained))
    if silent:
        admin.stop()
    else:
        admin.failing = True
    assert (await release(element, file, approvals[0])).status_code == 503
    assert (await remove(element, retained, approvals[1])).status_code == 503
    assert [await element.attributes(each.file_id) for each in (file, retained)] == [file, retained]


async def test_a_stale_revision_uses_no_approval(element: Element, admin: AdminStandIn) -> None:
    file, retained = await held(element), await element.put(retention=FAR)
    stale = {"If-Match": '"r7"'}
    for answer in (
        await release(element, file, admin.approve(releasing(file)), **stale),
        await remove(element, retained, admin.approve(destroying(retained)), **stale),
    ):
        assert code(answer) == (412, "revision_mismatch")
    assert admin.uses == []
