"""Four eyes: who may ask, who may give, and what an approval is good for, also when things happen at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from admin_module.adapters.tables.administrators import administrators
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from admin_module.services.repeats import Repeats
from artstore_kit.contracts.approvals import (
    SCOPE_OF,
    Approval,
    ApprovalState,
    ApprovalUse,
    GuardedOperation,
    NewApproval,
    element_resource,
)
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import (
    ApprovalClosed,
    ApprovalInvalid,
    ApprovalRequired,
    ApprovalUnknown,
    ArtStoreError,
    NotYourRequest,
    OwnRequest,
    PersonRequired,
    ScopeMissing,
)
from artstore_kit.contracts.identity import LOGIN_CLIENT, Scope
from artstore_kit.contracts.ids import new_file_id
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]

DAY = timedelta(days=1)
NEW = NewApproval(
    operation=GuardedOperation.ELEMENT_REMOVE, resource=element_resource("edit-1"), reason="it has burnt down"
)
USE = ApprovalUse(operation=NEW.operation, resource=NEW.resource, by="ada", seen="edit-1/7")
OTHER_USES = [
    USE.model_copy(update={"by": "bob"}),
    USE.model_copy(update={"by": "storage-element"}),
    USE.model_copy(update={"resource": element_resource("edit-2")}),
    USE.model_copy(update={"operation": GuardedOperation.KEY_EXPORT}),
]
ELEMENT = Principal("storage-element", "storage-element", frozenset({"approvals:use"}), (), frozenset(), 0)


def person(name: str, *without: Scope) -> Principal:
    return Principal(name, LOGIN_CLIENT, frozenset(set(Scope) - set(without)), (), frozenset(), 0)


ADA, BOB, EVE = person("ada"), person("bob"), person("eve")


@pytest.fixture
async def approvals(database: Database, audit: AuditLog, repeats: Repeats, clock: MovableClock) -> Approvals:
    for name, role in (("ada", "super_admin"), ("bob", "super_admin"), ("eve", "super_admin"), ("ron", "operator")):
        await appoint(database, name, role, clock)
    return Approvals(database, audit, repeats, DAY, clock)


async def appoint(database: Database, name: str, role: str, clock: MovableClock) -> None:
    row = {"username": name, "password_hash": "", "roles": [role], "created_at": clock()}
    async with database.transaction() as connection:
        await connection.execute(administrators.insert().values(row))


async def set_person(database: Database, name: str, **columns: object) -> None:
    async with database.transaction() as connection:
        await connection.execute(administrators.update().where(administrators.c.username == name).values(columns))


async def approved(approvals: Approvals) -> UUID:
    approval = await approvals.request(NEW, by=ADA)
    await approvals.decide(approval.approval_id, ApprovalState.APPROVED, "", by=BOB)
    return approval.approval_id


async def outcomes(*work: Awaitable[Approval]) -> list[str]:
    """What came of each, when all is done at once."""
    results = await asyncio.gather(*work, return_exceptions=True)
    return sorted(each.code if isinstance(each, ArtStoreError) else type(each).__name__ for each in results)


async def test_the_whole_way_is_recorded(approvals: Approvals, recorded: Recorded, clock: MovableClock) -> None:
    asked = await approvals.request(NEW, by=ADA)
    assert (asked.state, asked.requested_by, asked.expires_at - asked.requested_at) == ("pending", "ada", DAY)
    given = await approvals.decide(asked.approval_id, ApprovalState.APPROVED, "I have seen the ashes", by=BOB)
    assert (given.state, given.decided_by, given.decided_at) == ("approved", "bob", clock())
    used = await approvals.use(asked.approval_id, USE, by=ELEMENT)
    assert (used.used_at, used.used_on) == (clock(), "edit-1/7")
    assert await approvals.one(asked.approval_id) == used

    about = {"operation": "element.remove", "of": "element:edit-1"}
    assert [(entry.actor, entry.action, entry.detail) for entry in await recorded()] == [
        ("ada", "approval.request", {**about, "reason": "it has burnt down"}),
        ("bob", "approval.approve", {**about, "comment": "I have seen the ashes"}),
        ("storage-element", "approval.use", {**about, "requested_by": "ada"}),
    ]
    assert {entry.resource for entry in await recorded()} == {f"approval:{asked.approval_id}"}


@pytest.mark.parametrize(
    "who",
    [replace(ADA, client_id="ada"), replace(ADA, acting_for="bob"), ELEMENT],
    ids=["a program", "for another", "a service"],
)
async def test_a_program_neither_asks_nor_decides(approvals: Approvals, who: Principal) -> None:
    asked = await approvals.request(NEW, by=BOB)
    with pytest.raises(PersonRequired):
        await approvals.request(NEW, by=who)
    for state in (ApprovalState.APPROVED, ApprovalState.REJECTED):
        with pytest.raises(PersonRequired):
            await approvals.decide(asked.approval_id, state, "", by=who)


@pytest.mark.parametrize("operation", GuardedOperation)
async def test_both_hold_the_right_to_the_operation(approvals: Approvals, operation: GuardedOperation) -> None:
    new = NEW.model_copy(update={"operation": operation})
    scope = SCOPE_OF[operation]
    with pytest.raises(ScopeMissing, match=scope):
        await approvals.request(new, by=person("ada", scope))
    asked = await approvals.request(new, by=ADA)
    with pytest.raises(ScopeMissing, match=scope):
        await approvals.decide(asked.approval_id, ApprovalState.APPROVED, "", by=person("bob", scope))


async def test_what_the_token_says_must_still_be_so(approvals: Approvals, database: Database) -> None:
    """Ron's token is from before he became an operator; Zoe is gone."""
    new = NEW.model_copy(update={"operation": GuardedOperation.HOLD_RELEASE})
    asked = await approvals.request(new, by=ADA)
    for name, refusal in (("ron", ScopeMissing), ("zoe", PersonRequired)):
        with pytest.raises(refusal):
            await approvals.request(new, by=person(name))
        with pytest.raises(refusal):
            await approvals.decide(asked.approval_id, ApprovalState.APPROVED, "", by=person(name))


async def test_nobody_approves_their_own(approvals: Approvals) -> None:
    asked = await approvals.request(NEW, by=ADA)
    for state in (ApprovalState.APPROVED, ApprovalState.REJECTED):
        with pytest.raises(OwnRequest):
            await approvals.decide(asked.approval_id, state, "", by=ADA)
    assert (await approvals.one(asked.approval_id)).state is ApprovalState.PENDING


@pytest.mark.parametrize("use", OTHER_USES, ids=["somebody else", "a service", "resource", "operation"])
async def test_it_is_good_for_what_was_asked_and_nothing_else(
    approvals: Approvals, recorded: Recorded, use: ApprovalUse
) -> None:
    approval_id = await approved(approvals)
    with pytest.raises(ApprovalInvalid):
        await approvals.use(approval_id, use, by=ELEMENT)
    assert (await approvals.one(approval_id)).used_at is None
    assert [entry.action for entry in await recorded()] == ["approval.request", "approval.approve"]


async def test_nothing_is_done_without_one(approvals: Approvals, database: Database) -> None:
    with pytest.raises(ApprovalUnknown):
        await approvals.use(new_file_id(), USE, by=ELEMENT)
    async with database.transaction() as connection:
        with pytest.raises(ApprovalRequired) as refused:
            await approvals.use_within(connection, None, USE, by=ADA)
    assert refused.value.extra == {"operation": "element.remove", "resource": "element:edit-1"}


async def test_only_what_is_approved_is_used(approvals: Approvals) -> None:
    pending = (await approvals.request(NEW, by=ADA)).approval_id
    rejected = (await approvals.request(NEW, by=ADA)).approval_id
    await approvals.decide(rejected, ApprovalState.REJECTED, "no", by=BOB)
    withdrawn = await approved(approvals)
    await approvals.withdraw(withdrawn, by=ADA)
    for approval_id, state in ((pending, "pending"), (rejected, "rejected"), (withdrawn, "withdrawn")):
        with pytest.raises(ApprovalInvalid) as refused:
            await approvals.use(approval_id, USE, by=ELEMENT)
        assert refused.value.extra == {"state": state}


async def test_what_is_decided_is_decided(approvals: Approvals) -> None:
    approval_id = await approved(approvals)
    for state in (ApprovalState.APPROVED, ApprovalState.REJECTED):
        with pytest.raises(ApprovalClosed):
            await approvals.decide(approval_id, state, "", by=EVE)
    await approvals.use(approval_id, USE, by=ELEMENT)
    with pytest.raises(ApprovalClosed):
        await approvals.withdraw(approval_id, by=ADA)


async def test_only_who_asked_withdraws(approvals: Approvals) -> None:
    asked = await approvals.request(NEW, by=ADA)
    with pytest.raises(NotYourRequest):
        await approvals.withdraw(asked.approval_id, by=BOB)
    assert (await approvals.withdraw(asked.approval_id, by=ADA)).state is ApprovalState.WITHDRAWN
    with pytest.raises(ApprovalClosed):
        await approvals.withdraw(asked.approval_id, by=ADA)
    with pytest.raises(ApprovalClosed):
        await approvals.decide(asked.approval_id, ApprovalState.APPROVED, "", by=BOB)


async def test_it_ends_by_itself(approvals: Approvals, clock: MovableClock) -> None:
    pending, given = (await approvals.request(NEW, by=ADA)).approval_id, await approved(approvals)
    clock.move(DAY - timedelta(seconds=1))
    assert (await approvals.one(pending)).state is ApprovalState.PENDING
    clock.move(timedelta(seconds=1))
    for approval_id in (pending, given):
        assert (await approvals.one(approval_id)).state is ApprovalState.EXPIRED
        with pytest.raises(ApprovalInvalid, match="expired"):
            await approvals.use(approval_id, USE, by=ELEMENT)
    with pytest.raises(ApprovalClosed, match="expired"):
        await approvals.decide(pending, ApprovalState.APPROVED, "", by=BOB)
    with pytest.raises(ApprovalClosed, match="expired"):
        await approvals.withdraw(given, by=ADA)


async def test_it_is_used_once_but_its_answer_may_be_lost(
    approvals: Approvals, recorded: Recorded, clock: MovableClock
) -> None:
    approval_id = await approved(approvals)
    first = await approvals.use(approval_id, USE, by=ELEMENT)
    clock.move(timedelta(minutes=10) - timedelta(seconds=1))
    assert await approvals.use(approval_id, USE, by=ELEMENT) == first
    clock.move(timedelta(seconds=1))
    with pytest.raises(ApprovalInvalid) as refused:
        await approvals.use(approval_id, USE, by=ELEMENT)
    assert refused.value.extra == {"state": "used"}
    assert [entry.action for entry in await recorded()].count("approval.use") == 1


async def test_it_is_repeated_on_what_was_there_alone(approvals: Approvals, clock: MovableClock) -> None:
    """Such as a hold that was released with it, and placed anew a moment later under the same name."""
    approval_id = await approved(approvals)
    first = await approvals.use(approval_id, USE, by=ELEMENT)
    clock.move(timedelta(seconds=1))
    for seen in ("edit-1/9", ""):
        with pytest.raises(ApprovalInvalid) as refused:
            await approvals.use(approval_id, USE.model_copy(update={"seen": seen}), by=ELEMENT)
        assert refused.value.extra == {"state": "used"}
    assert await approvals.use(approval_id, USE, by=ELEMENT) == first


async def test_of_two_uses_at_once_on_different_things_one_counts(approvals: Approvals) -> None:
    for _ in range(5):
        approval_id = await approved(approvals)
        uses = [approvals.use(approval_id, USE.model_copy(update={"seen": seen}), by=ELEMENT) for seen in "ab"]
        assert await outcomes(*uses) == ["Approval", "approval_invalid"]


@pytest.mark.parametrize("name", ["ada", "bob"])
@pytest.mark.parametrize("what", [{"roles": ["readonly"]}, {"suspended": True}], ids=["fewer rights", "suspended"])
async def test_who_may_not_any_more_does_not_count(
    approvals: Approvals, database: Database, name: str, what: dict[str, object]
) -> None:
    approval_id = await approved(approvals)
    await set_person(database, name, **what)
    with pytest.raises(ApprovalInvalid, match="may not do so any more"):
        await approvals.use(approval_id, USE, by=ELEMENT)


async def test_who_is_suspended_decides_nothing(approvals: Approvals, database: Database) -> None:
    asked = await approvals.request(NEW, by=ADA)
    await set_person(database, "bob", suspended=True)
    with pytest.raises(PersonRequired):
        await approvals.decide(asked.approval_id, ApprovalState.APPROVED, "", by=BOB)
    with pytest.raises(PersonRequired):
        await approvals.request(NEW, by=BOB)


async def test_two_uses_at_once_are_one(approvals: Approvals, recorded: Recorded) -> None:
    approval_id = await approved(approvals)
    assert await outcomes(*(approvals.use(approval_id, USE, by=ELEMENT) for _ in range(6))) == ["Approval"] * 6
    assert [entry.action for entry in await recorded()].count("approval.use") == 1


async def test_of_two_decisions_at_once_one_counts(approvals: Approvals, recorded: Recorded) -> None:
    for _ in range(5):
        approval_id = (await approvals.request(NEW, by=ADA)).approval_id
        yes = approvals.decide(approval_id, ApprovalState.APPROVED, "", by=BOB)
        no = approvals.decide(approval_id, ApprovalState.REJECTED, "", by=EVE)
        assert await outcomes(yes, no) == ["Approval", "approval_closed"]
    assert len(await recorded()) == 10


async def test_what_is_withdrawn_while_it_is_approved_is_withdrawn(approvals: Approvals) -> None:
    for _ in range(5):
        approval_id = (await approvals.request(NEW, by=ADA)).approval_id
        yes = approvals.decide(approval_id, ApprovalState.APPROVED, "", by=BOB)
        assert "Approval" in await outcomes(yes, approvals.withdraw(approval_id, by=ADA))
        assert (await approvals.one(approval_id)).state is ApprovalState.WITHDRAWN


async def test_what_is_withdrawn_while_it_is_used_is_one_of_both(approvals: Approvals) -> None:
    for _ in range(5):
        approval_id = await approved(approvals)
        both = approvals.use(approval_id, USE, by=ELEMENT), approvals.withdraw(approval_id, by=ADA)
        assert await outcomes(*both) in (["Approval", "approval_closed"], ["Approval", "approval_invalid"])


async def test_what_was_rolled_back_is_neither_there_nor_recorded(
    approvals: Approvals, doomed: Database, doomed_repeats: Repeats, recorded: Recorded
) -> None:
    lost = replace(approvals, database=doomed, audit=doomed_repeats.audit, repeats=doomed_repeats)
    with pytest.raises(Exception, match="CommitLost"):
        await lost.request(NEW, by=ADA)
    approval_id = await approved(approvals)
    with pytest.raises(Exception, match="CommitLost"):
        await lost.use(approval_id, USE, by=ELEMENT)
    assert [each.approval_id for each in await approvals.page(None, None, 10)] == [approval_id]
    assert (await approvals.one(approval_id)).used_at is None
    assert [entry.action for entry in await recorded()] == ["approval.request", "approval.approve"]
