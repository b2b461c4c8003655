"""Elements leave the fleet when two administrators agree, and do not come back by themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from admin_module.adapters.registry import Registry
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from admin_module.services.element_removal import ElementRemoval
from admin_module.services.elements import Elements
from artstore_kit.contracts.approvals import ApprovalState, GuardedOperation, NewApproval
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.elements import REGISTRY_INDEX_KEY, REGISTRY_KEY_PREFIX, ElementRegistration
from artstore_kit.contracts.errors import ApprovalInvalid, ApprovalRequired, ElementRemoved, ElementUnknown
from artstore_kit.contracts.identity import LOGIN_CLIENT, Scope
from artstore_kit.contracts.modes import Mode
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.redis import RedisClient
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]

REGISTRATION = ElementRegistration(url="http://edit-1.test:8010", mode=Mode.EDIT, epoch=3, priority=7, site="north")
ADA, BOB = (Principal(name, LOGIN_CLIENT, frozenset(Scope), (), frozenset(), 0) for name in ("ada", "bob"))


@pytest.fixture
def elements(database: Database, audit: AuditLog, redis: RedisClient, clock: MovableClock) -> Elements:
    return Elements(database, audit, Registry(redis), clock)


@pytest.fixture
def removal(
    database: Database, audit: AuditLog, approvals: Approvals, redis: RedisClient, clock: MovableClock
) -> ElementRemoval:
    return ElementRemoval(database, audit, approvals, Registry(redis), clock)


async def approved(approvals: Approvals, element_id: str = "edit-1") -> UUID:
    resource = f"element:{element_id}"
    new = NewApproval(operation=GuardedOperation.ELEMENT_REMOVE, resource=resource, reason="it has burnt down")
    approval = await approvals.request(new, by=ADA)
    await approvals.decide(approval.approval_id, ApprovalState.APPROVED, "", by=BOB)
    return approval.approval_id


async def test_an_element_leaves_and_is_let_back(
    elements: Elements, removal: ElementRemoval, approvals: Approvals, redis: RedisClient, recorded: Recorded
) -> None:
    await elements.register("edit-1", REGISTRATION, BOB)
    await removal.remove("edit-1", await approved(approvals), by=ADA)
    with pytest.raises(ElementUnknown):
        await elements.one("edit-1")
    assert await redis.get(REGISTRY_KEY_PREFIX + "edit-1") is None
    assert not await redis.sismember(REGISTRY_INDEX_KEY, "edit-1")
    for _ in range(2):
        with pytest.raises(ElementRemoved):
            await elements.register("edit-1", REGISTRATION, BOB)
    assert (await elements.all()).items == []

    await removal.readmit("edit-1", by=BOB)
    assert (await elements.register("edit-1", REGISTRATION, BOB)).element_id == "edit-1"
    told = [(entry.actor, entry.action) for entry in await recorded() if entry.resource == "element:edit-1"]
    done = [("bob", "element.register"), ("ada", "element.remove"), ("bob", "element.readmit")]
    assert told == [*done, ("bob", "element.register")]


async def test_an_element_that_came_back_needs_an_approval_of_its_own(
    elements: Elements, removal: ElementRemoval, approvals: Approvals, clock: MovableClock
) -> None:
    await elements.register("edit-1", REGISTRATION, BOB)
    approval_id = await approved(approvals)
    await removal.remove("edit-1", approval_id, by=ADA)
    await removal.readmit("edit-1", by=BOB)
    clock.move(timedelta(seconds=1))
    back = await elements.register("edit-1", REGISTRATION, BOB)
    with pytest.raises(ApprovalInvalid) as refused:
        await removal.remove("edit-1", approval_id, by=ADA)
    assert refused.value.extra == {"state": "used"}
    assert await elements.one("edit-1") == back


async def test_without_an_approval_it_stays(
    elements: Elements, removal: ElementRemoval, approvals: Approvals, recorded: Recorded
) -> None:
    element = await elements.register("edit-1", REGISTRATION, BOB)
    with pytest.raises(ApprovalRequired):
        await removal.remove("edit-1", None, by=ADA)
    for approval_id, by in ((await approved(approvals, "edit-2"), ADA), (await approved(approvals), BOB)):
        with pytest.raises(ApprovalInvalid):
            await removal.remove("edit-1", approval_id, by=by)
    assert await elements.one("edit-1") == element
    assert (await elements.register("edit-1", REGISTRATION, BOB)) == element
    assert "element.remove" not in [entry.action for entry in await recorded()]


async def test_what_is_not_there_is_not_removed(removal: ElementRemoval, approvals: Approvals) -> None:
    approval_id = await approved(approvals)
    with pytest.raises(ElementUnknown):
        await removal.remove("edit-1", approval_id, by=ADA)
    assert (await approvals.one(approval_id)).used_at is None
    with pytest.raises(ElementUnknown):
        await removal.readmit("edit-1", by=ADA)


async def test_who_registers_while_it_is_removed_does_not_stay(
    elements: Elements, removal: ElementRemoval, approvals: Approvals
) -> None:
    for number in range(5):
        element_id = f"edit-{number}"
        await elements.register(element_id, REGISTRATION, BOB)
        approval_id = await approved(approvals, element_id)
        await asyncio.gather(
            removal.remove(element_id, approval_id, by=ADA),
            *(elements.register(element_id, REGISTRATION, BOB) for _ in range(3)),
            return_exceptions=True,
        )
        with pytest.raises(ElementUnknown):
            await elements.one(element_id)
