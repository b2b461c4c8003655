"""Holds, and what two people have to want."""

from datetime import UTC, datetime, timedelta

import pytest

from artstore import ArtStore, FileAttributes, Retention
from artstore_kit.contracts.approvals import APPROVAL_HEADER, ApprovalState, file_resource, hold_resource
from artstore_kit.contracts.errors import (
    ApprovalClosed,
    ApprovalInvalid,
    ApprovalRequired,
    ApprovalUnknown,
    DependencyUnavailable,
    FileRetained,
    InvalidFields,
)
from artstore_kit.contracts.ids import new_file_id
from client.tests.stand_in import Fleet

FAR = Retention(policy="ten-years", retain_until=datetime.now(UTC) + timedelta(days=3650))


@pytest.fixture
async def file(store: ArtStore) -> FileAttributes:
    return await store.put(b"evidence", name="letter.txt", retention=FAR)


@pytest.mark.parametrize("name", ["case-7", "дело 7", "50% & more?#;=+", "%2e%2e", "~"])
async def test_a_hold_is_placed_and_released(store: ArtStore, file: FileAttributes, name: str) -> None:
    held = await store.hold(file.file_id, name, reason="суд")
    assert [(hold.id, hold.reason) for hold in held.holds] == [(name, "суд")]
    assert await store.hold(file.file_id, name, reason="суд") == held
    with pytest.raises(ApprovalRequired) as refused:
        await store.release(file.file_id, name)
    resource = hold_resource(file.file_id, name)
    assert refused.value.extra == {"operation": "hold.release", "resource": resource}
    approval = await store.approvals.ask("hold.release", resource, "it is over")
    await store.approvals.approve(approval.approval_id)
    for _ in range(2):
        await store.release(file.file_id, name, approval=approval.approval_id)
    assert (await store.info(file.file_id)).holds == []


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", "a\nb", "x" * 65])
async def test_a_name_that_would_lead_elsewhere_is_not_sent(store: ArtStore, fleet: Fleet, name: str) -> None:
    for work in (store.hold(new_file_id(), name), store.release(new_file_id(), name)):
        with pytest.raises(InvalidFields, match="name of the hold"):
            await work
    assert not fleet.requests("PUT", "") + fleet.requests("DELETE", "")


async def test_a_reason_that_is_too_long_is_not_sent(store: ArtStore, fleet: Fleet) -> None:
    with pytest.raises(InvalidFields, match="reason of the hold"):
        await store.hold(new_file_id(), "case-7", reason="x" * 501)
    assert not fleet.requests("PUT", "")


async def test_a_retained_file_goes_with_an_approval(store: ArtStore, file: FileAttributes, fleet: Fleet) -> None:
    with pytest.raises(FileRetained):
        await store.delete(file.file_id)
    approval = await store.approvals.ask("file.destroy", file_resource(file.file_id), "the data subject wants it")
    with pytest.raises(ApprovalInvalid):
        await store.delete(file.file_id, approval=approval.approval_id)
    await store.approvals.approve(approval.approval_id)
    fleet.fail("DELETE", str(file.file_id), lose_answer=True)
    await store.delete(file.file_id, approval=str(approval.approval_id))
    assert not fleet.files
    sent = [seen.headers.get(APPROVAL_HEADER) for seen in fleet.requests("DELETE", "/files/")]
    assert sent == [None, *[str(approval.approval_id)] * 3]


async def test_approvals_are_decided_and_taken_back(store: ArtStore) -> None:
    approvals = store.approvals
    yes, no, back = [await approvals.ask("element.remove", "element:edit-1", str(number)) for number in range(3)]
    assert (yes.state, yes.reason, yes.requested_by) == (ApprovalState.PENDING, "0", "admin")
    given = await approvals.approve(yes.approval_id, "I have looked")
    assert (given.state, given.decided_by, given.comment) == (ApprovalState.APPROVED, "second", "I have looked")
    assert (await approvals.reject(no.approval_id)).state is ApprovalState.REJECTED
    assert (await approvals.withdraw(back.approval_id)).state is ApprovalState.WITHDRAWN
    assert await approvals.one(yes.approval_id) == given
    with pytest.raises(ApprovalClosed):
        await approvals.approve(no.approval_id)
    with pytest.raises(ApprovalUnknown):
        await approvals.one(new_file_id())


async def test_all_approvals_come_page_by_page(store: ArtStore) -> None:
    made = [await store.approvals.ask("element.remove", "element:edit-1", str(number)) for number in range(5)]
    await store.approvals.reject(made[0].approval_id)

    async def reasons(state: ApprovalState | None = None, limit: int | None = None) -> list[str]:
        return [each.reason async for each in store.approvals.all(state, limit)]

    assert await reasons() == ["4", "3", "2", "1", "0"]
    assert await reasons(limit=3) == ["4", "3", "2"]
    assert await reasons(ApprovalState.REJECTED) == ["0"]


@pytest.mark.parametrize(
    ("operation", "resource", "reason"),
    [("file.burn", "file:1", "x"), ("file.destroy", "element:edit-1", "x"), ("file.destroy", "file:1", "")],
)
async def test_what_cannot_be_asked_for_is_not_sent(
    store: ArtStore, fleet: Fleet, operation: str, resource: str, reason: str
) -> None:
    with pytest.raises(InvalidFields, match="The approval: "):
        await store.approvals.ask(operation, resource, reason)
    assert not fleet.requests("POST", "/approvals")


async def test_a_lost_answer_makes_no_second_approval(store: ArtStore, fleet: Fleet) -> None:
    fleet.fail("POST", "/approvals", lose_answer=True)
    approval = await store.approvals.ask("element.remove", "element:edit-1", "it has burnt down")
    assert len(fleet.requests("POST", "/approvals")) == 2
    assert [each async for each in store.approvals.all()] == [approval]


async def test_a_decision_is_sent_once(store: ArtStore, fleet: Fleet) -> None:
    approval = await store.approvals.ask("element.remove", "element:edit-1", "it has burnt down")
    fleet.fail("POST", "/approve", lose_answer=True)
    with pytest.raises(DependencyUnavailable):
        await store.approvals.approve(approval.approval_id)
    assert (await store.approvals.one(approval.approval_id)).state is ApprovalState.APPROVED
